using Mesh.Protocol.Peer;
using Mesh.Security.Keys;
using Mesh.Security.Sessions;

namespace Mesh.Benchmarks.Peers;

/// <summary>Messages between nodes: handshakes, messages, what a session keeps. All on one thread, the RSA too, so a rate is that of one processor.</summary>
public sealed class PeerBenchmarks : BenchmarkArea
{
    // A handshake costs two operations with a private key (one signs the secret, the other decrypts it) and four with a public one (two certificates are checked, the secret is encrypted
    // and its signature checked).
    private const int PrivateOperations = 2, PublicOperations = 4;
    private const int MessageLength = 257;   // a network version with a signature of 2048 bits, and its code

    /// <inheritdoc/>
    public override string Name => "peers";

    /// <inheritdoc/>
    public override string Summary => "handshakes and messages between nodes per second of one processor, memory of a session";

    /// <inheritdoc/>
    public override IEnumerable<Metric> Run(BenchmarkOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var sampler = new Sampler(options);
        int seconds = options.IsQuick ? 1 : 3;
        int pairs = options.Scale(400), sessions = options.Scale(2_000);
        using PeerNetwork network = PeerNetwork.Create(Math.Max(2 * pairs, sessions + 1));

        bool isElapsed = !options.CountsProcessorTime;   // the peer's time is the same as ours
        RsaSpeed? before = OpenSsl.MeasureRsa(seconds, isElapsed: isElapsed);
        Metric handshakes = sampler.Higher("handshakes_per_second", "handshakes/s", () => network.Handshakes(options, pairs));
        RsaSpeed? after = OpenSsl.MeasureRsa(seconds, isElapsed: isElapsed);
        if (before is not null && after is not null)
        {
            // What one processor would do if there was nothing but RSA; before and after, since the load of a machine changes.
            double bound = 2 / (SecondsOf(before) + SecondsOf(after));
            yield return handshakes with { Peer = "openssl speed rsa2048, nothing but the RSA of a handshake", PeerValue = bound };
            yield return new Metric("handshakes_ratio_to_openssl", handshakes.Value / bound, "ratio", Better.Higher)
            {
                Min = handshakes.Min / bound,
                Max = handshakes.Max / bound,
                Repetitions = handshakes.Repetitions,
            };
        }
        else
        {
            yield return handshakes;
        }

        Metric messages = sampler.Higher("messages_per_second", "messages/s", () => SealAndOpen(options, options.Scale(1_000_000)));
        yield return OpenSsl.HmacSha1PerSecond(seconds, MessageLength + PeerDatagram.NumberLength, isElapsed) is { } codes
            ? messages with { Peer = "openssl speed -hmac sha1, two codes", PeerValue = codes / 2 }
            : messages;
        yield return sampler.Higher("answered_messages_per_second", "messages/s", () => network.Conversations(options, options.Scale(200_000)));
        yield return sampler.Lower("bytes_per_session", "bytes", () => network.BytesPerSession(sessions));
    }

    private static double SecondsOf(RsaSpeed speed) => (PrivateOperations / speed.SignaturesPerSecond) + (PublicOperations / speed.VerificationsPerSecond);

    // What authentication itself costs, without the actors.
    private static double SealAndOpen(BenchmarkOptions options, int count)
    {
        SessionKey key = SessionKey.ForPeer(DateTimeOffset.UnixEpoch, SystemEntropy.Instance);
        PeerSession sender = new(key), receiver = new(key);
        byte[] payload = new byte[MessageLength];
        Watch watch = Watch.Start(options);
        for (int i = 0; i < count; i++)
        {
            if (!SessionMessage.TryDecode(sender.Seal(payload), out SessionMessage message) || receiver.Open(message) != PeerMessageVerdict.Accepted)
                throw new InvalidOperationException("a message of the session was refused");
        }

        return count / watch.Seconds;
    }
}
