using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Mesh.Interop.Tests.Harness;

/// <summary>Port 326 of a node of re6st, written from the protocol reference (4.1 to 4.4) and not with our own codecs: it takes greetings and secrets, notes what it is told, acknowledges it, and says what the test wants.</summary>
internal sealed class Re6stMessages : IDisposable
{
    private const int Port = 326, MacLength = 20, PackedProtocol = 10;   // one octet

    private readonly Socket _socket;
    private readonly RSA _key = RSA.Create();
    private readonly byte[] _certificate;
    private readonly List<(byte Code, byte[] Data)> _heard = [];
    private readonly Dictionary<IPAddress, (byte[] Secret, uint Sent)> _sessions = [];
    private readonly Task _listening;
    private int _lost;

    /// <summary>Begins to listen on a machine, with the certificate of its node.</summary>
    public Re6stMessages(Machine machine)
    {
        _key.ImportFromPem(File.ReadAllText(Path.Combine(machine.Directory, "node.key")));
        using X509Certificate2 certificate = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(machine.Directory, "node.crt"));
        _certificate = certificate.RawData;
        _socket = machine.Space.Run(static () => new Socket(AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp));
        _socket.Bind(new IPEndPoint(IPAddress.IPv6Any, Port));
        _listening = Task.Run(ListenAsync);
    }

    /// <summary>What has been said with a code, since the last call: the data of each message.</summary>
    public byte[][] Take(byte code)
    {
        lock (_heard)
        {
            byte[][] taken = [.. _heard.Where(message => message.Code == code).Select(static message => message.Data)];
            _heard.RemoveAll(message => message.Code == code);
            return taken;
        }
    }

    /// <summary>Whether there is a session with the node that has this address.</summary>
    public bool HasSession(string address)
    {
        lock (_heard)
            return _sessions.ContainsKey(SubnetOf(IPAddress.Parse(address)));
    }

    /// <summary>Datagrams to which there was no way.</summary>
    public int Lost => _lost;

    /// <summary>Says a code without data to a node with whom there is a session.</summary>
    public void Say(string address, byte code)
    {
        IPAddress subnet = SubnetOf(IPAddress.Parse(address));
        lock (_heard)
            Send(new IPEndPoint(subnet, Port), [code]);
    }

    public void Dispose()
    {
        _socket.Dispose();
        _listening.Wait(TimeSpan.FromSeconds(5));
        _key.Dispose();
    }

    private static IPAddress SubnetOf(IPAddress address) => new([.. address.GetAddressBytes()[..8], .. new byte[8]]);

    private async Task ListenAsync()
    {
        byte[] buffer = new byte[65_536];
        while (true)
        {
            SocketReceiveFromResult received;
            try
            {
                received = await _socket.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.IPv6Any, 0));
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;   // the test is over
            }

            lock (_heard)
                Handle(buffer.AsSpan(0, received.ReceivedBytes), (IPEndPoint)received.RemoteEndPoint);
        }
    }

    private void Handle(ReadOnlySpan<byte> datagram, IPEndPoint from)
    {
        IPAddress subnet = SubnetOf(from.Address);
        uint number = BinaryPrimitives.ReadUInt32BigEndian(datagram);
        switch (number)
        {
            case 0:
            case 1:
                // Here is my certificate, and a hash of yours: the answer is a secret.
                ReadOnlySpan<byte> theirs = number == 0 ? datagram[4..] : datagram[(4 + 1 + 20)..];
                Transmit([0, 0, 0, 1, PackedProtocol, .. SHA1.HashData(theirs), .. _certificate], from);
                break;
            case 2:
                int half = _key.KeySize / 8;
                _sessions[subnet] = (_key.Decrypt(datagram.Slice(5, half), RSAEncryptionPadding.Pkcs1), 2);
                Send(from, [0, 0]);   // the version that is before all others
                break;
            default:
                ReadOnlySpan<byte> authenticated = datagram[..^MacLength];
                if (!_sessions.TryGetValue(subnet, out (byte[] Secret, uint Sent) session) || !HMACSHA1.HashData(session.Secret, authenticated).AsSpan().SequenceEqual(datagram[^MacLength..]))
                    return;
                if (authenticated.Length == 4)
                    return;   // an acknowledgement
                _heard.Add((authenticated[4], authenticated[5..].ToArray()));
                Send(from, []);
                break;
        }
    }

    private void Send(IPEndPoint to, byte[] payload)
    {
        IPAddress subnet = SubnetOf(to.Address);
        (byte[] secret, uint sent) = _sessions[subnet];
        byte[] number = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(number, ++sent);
        _sessions[subnet] = (secret, sent);
        byte[] authenticated = [.. number, .. payload];
        Transmit([.. authenticated, .. HMACSHA1.HashData(secret, authenticated)], to);
    }

    // A datagram to which there is no way is lost like any other.
    private void Transmit(byte[] datagram, IPEndPoint to)
    {
        try
        {
            _socket.SendTo(datagram, to);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.HostUnreachable or SocketError.NetworkUnreachable)
        {
            _lost++;
        }
    }
}
