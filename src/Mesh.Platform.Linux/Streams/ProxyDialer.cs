using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Mesh.Platform.Linux.Streams;

/// <summary>Connects through a proxy: SOCKS 5 without authentication (RFC 1928), or HTTP CONNECT (RFC 9110 section 9.3.6).</summary>
/// <remarks>Whoever is behind it is not trusted any more for it: TLS with both certificates comes after.</remarks>
internal static class ProxyDialer
{
    private const int MaxHeader = 8192;
    private const byte Socks = 5, Connect = 1, NoAuthentication = 0, Ipv4 = 1, Name = 3, Ipv6 = 4;

    /// <summary>Connects the socket to the proxy, and through it to <paramref name="remote"/>.</summary>
    /// <param name="socket">Unconnected, of either family.</param>
    /// <param name="proxy">socks5://HOST:PORT or http://HOST:PORT, HOST a numeric address.</param>
    /// <param name="remote">Where to.</param>
    /// <param name="cancelled">Gives up.</param>
    /// <exception cref="IOException">The proxy refused, or its answer makes no sense.</exception>
    public static async Task ConnectAsync(Socket socket, Uri proxy, IPEndPoint remote, CancellationToken cancelled)
    {
        await socket.ConnectAsync(EndPointOf(proxy), cancelled).ConfigureAwait(false);
        if (proxy.Scheme == "http")
            await AskHttpAsync(socket, remote, cancelled).ConfigureAwait(false);
        else
            await AskSocksAsync(socket, remote, cancelled).ConfigureAwait(false);
    }

    /// <summary>The proxy's address.</summary>
    public static IPEndPoint EndPointOf(Uri proxy) => new(IPAddress.Parse(proxy.DnsSafeHost), proxy.Port);

    private static async Task AskHttpAsync(Socket socket, IPEndPoint remote, CancellationToken cancelled)
    {
        await SendAsync(socket, Encoding.ASCII.GetBytes($"CONNECT {remote} HTTP/1.1\r\nHost: {remote}\r\n\r\n"), cancelled).ConfigureAwait(false);
        byte[] answer = new byte[MaxHeader];
        int length = 0;
        // One octet at a time: what follows the header belongs to TLS.
        while (length < 4 || !answer.AsSpan(length - 4, 4).SequenceEqual("\r\n\r\n"u8))
        {
            if (length == MaxHeader)
                throw new IOException($"the proxy's answer has no end within {MaxHeader} octets");
            await ReadAsync(socket, answer.AsMemory(length++, 1), cancelled).ConfigureAwait(false);
        }

        string status = Encoding.Latin1.GetString(answer.AsSpan(0, answer.AsSpan().IndexOf((byte)'\r')));
        string[] words = status.Split(' ', 3);
        if (words.Length < 2 || !words[0].StartsWith("HTTP/1.", StringComparison.Ordinal) || !int.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out int code))
            throw new IOException("the proxy does not speak HTTP/1");
        if (code is < 200 or > 299)
            throw new IOException($"the proxy refused a connection to {remote}: status {code}");
    }

    private static async Task AskSocksAsync(Socket socket, IPEndPoint remote, CancellationToken cancelled)
    {
        await SendAsync(socket, (byte[])[Socks, 1, NoAuthentication], cancelled).ConfigureAwait(false);
        byte[] answer = new byte[256 + 2];
        await ReadAsync(socket, answer.AsMemory(0, 2), cancelled).ConfigureAwait(false);
        if (answer[0] != Socks)
            throw new IOException("the proxy does not speak SOCKS 5");
        if (answer[1] != NoAuthentication)
            throw new IOException("the proxy wants authentication, which is not supported");

        byte[] address = remote.Address.GetAddressBytes(), port = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(port, (ushort)remote.Port);
        await SendAsync(socket, (byte[])[Socks, Connect, 0, address.Length == 4 ? Ipv4 : Ipv6, .. address, .. port], cancelled).ConfigureAwait(false);
        await ReadAsync(socket, answer.AsMemory(0, 4), cancelled).ConfigureAwait(false);
        (byte version, byte reply, byte kind) = (answer[0], answer[1], answer[3]);
        if (version != Socks)
            throw new IOException("the proxy does not speak SOCKS 5");
        if (reply != 0)
            throw new IOException($"the proxy refused a connection to {remote}: {Words(reply)}");
        // The address from which it connects; of no use here, but it has to be read.
        int length = kind switch { Ipv4 => 4, Ipv6 => 16, Name => -1, _ => throw new IOException($"the proxy answers with an address of kind {kind}") };
        if (length < 0)
        {
            await ReadAsync(socket, answer.AsMemory(0, 1), cancelled).ConfigureAwait(false);
            length = answer[0];
        }
        await ReadAsync(socket, answer.AsMemory(0, length + 2), cancelled).ConfigureAwait(false);
    }

    private static string Words(byte reply) => reply switch
    {
        1 => "general failure",
        2 => "its rules forbid it",
        3 => "the network is unreachable",
        4 => "the host is unreachable",
        5 => "connection refused",
        6 => "it took too long",
        7 => "it does not connect for others",
        8 => "it does not know that kind of address",
        _ => $"reply {reply}",
    };

    private static async Task SendAsync(Socket socket, ReadOnlyMemory<byte> octets, CancellationToken cancelled)
    {
        while (octets.Length > 0)
            octets = octets[await socket.SendAsync(octets, cancelled).ConfigureAwait(false)..];
    }

    private static async Task ReadAsync(Socket socket, Memory<byte> into, CancellationToken cancelled)
    {
        while (into.Length > 0)
        {
            int count = await socket.ReceiveAsync(into, cancelled).ConfigureAwait(false);
            if (count == 0)
                throw new IOException("the proxy hung up");
            into = into[count..];
        }
    }
}
