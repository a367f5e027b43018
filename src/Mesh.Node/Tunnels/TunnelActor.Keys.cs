using System.Security.Cryptography;
using Mesh.DataPlane;
using Mesh.Protocol.Tunnel;

namespace Mesh.Node.Tunnels;

/// <content>
/// Fresh keys while the tunnel is up. Whoever receives draws the key; the two directions do not know of each other.
/// <code>
/// receiver                                  sender
///   opens old and new
///   ── Rekey, KeepAlive question ─────────▶  seals with new from now on
///   ◀──────────────── KeepAlive answer ───
///   ◀════ a datagram after that ══════════   the data plane forgets old some time after the first
/// </code>
/// The stream keeps its order, so the answer proves that the sender has the key, and datagrams that come well after it are sealed with it. The next key waits for one,
/// because the data plane keeps two keys: with a third one, datagrams sealed with the second could be lost.
/// </content>
public sealed partial class TunnelActor
{
    private DataKeys? _keys;
    private uint? _rekeyQuestion;
    private TimeSpan? _rekeyConfirmedAt;
    private bool _isReceiveKeyInUse = true;   // the first one has no predecessor that could be lost

    private void StartRekeying() => Context.Timers.StartPeriodic(
        RekeyDue.Instance, RekeyDue.Instance, Context.Random.NextTimeSpan(_options.RekeyInterval / 2, _options.RekeyInterval), _options.RekeyInterval);

    private void OnRekeyDue()
    {
        // Where packets go in the stream, no key is worn.
        if (!_isReceiveKeyInUse || _path != TunnelPathKind.Datagram)
            return;
        TunnelKey fresh = DrawKey();
        _keys = _keys! with { ReceiveKey = Octets(fresh) };
        _ports.DataPlane.SetKeys(_index, _keys);   // first: what is sealed with it must not arrive before it is known
        AskToRekey();
        (_isReceiveKeyInUse, _rekeyConfirmedAt) = (false, null);
    }

    private void AskToRekey()
    {
        _frame.ResetWrittenCount();
        new Rekey((uint)_index.Value, new TunnelKey(_keys!.ReceiveKey.Span)).Encode(_frame);
        Send();
        AskForLife();
        _rekeyQuestion = _keepAliveSequence;
    }

    private void OnRekeyConfirmed(uint question)
    {
        if (question == _rekeyQuestion)
            (_rekeyQuestion, _rekeyConfirmedAt) = (null, Context.Now);
    }

    private void OnDatagramOpened()
    {
        if (_rekeyConfirmedAt is { } confirmed && Context.Now - confirmed > MaxRoundTrip)
            (_isReceiveKeyInUse, _rekeyConfirmedAt) = (true, null);
    }

    private void OnRekey(Rekey rekey)
    {
        _keys = _keys! with { ReceiverIndex = rekey.ReceiverIndex, SendKey = Octets(rekey.Key) };
        _ports.DataPlane.SetKeys(_index, _keys);
        Log.Debug($"datagrams to {_peer} are sealed with a fresh key");
    }

    private TunnelKey DrawKey()
    {
        Span<byte> octets = stackalloc byte[TunnelKey.Length];
        _ports.Entropy.Fill(octets);
        var key = new TunnelKey(octets);
        CryptographicOperations.ZeroMemory(octets);
        return key;
    }

    private static byte[] Octets(TunnelKey key)
    {
        byte[] octets = new byte[TunnelKey.Length];
        key.CopyTo(octets);
        return octets;
    }

    private sealed class RekeyDue
    {
        public static readonly RekeyDue Instance = new();
    }
}
