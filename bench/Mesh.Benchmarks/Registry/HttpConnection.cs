using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;

namespace Mesh.Benchmarks.Registry;

/// <summary>An answer, in the connection's buffer: good until the next one is received.</summary>
internal readonly ref struct HttpAnswer(int status, ReadOnlySpan<byte> mac, ReadOnlySpan<byte> body)
{
    /// <summary>Status code.</summary>
    public int Status => status;

    /// <summary>Value of the header that authenticates the answer; empty where there is none.</summary>
    public ReadOnlySpan<byte> Mac { get; } = mac;

    /// <summary>The body.</summary>
    public ReadOnlySpan<byte> Body { get; } = body;
}

/// <summary>A kept-alive HTTP/1.1 connection with one request under way at a time. It does no more than the registry's answers need, so that it costs the measured machine little.</summary>
internal sealed class HttpConnection : IDisposable
{
    private readonly byte[] _buffer = new byte[32 * 1024];
    private int _length;

    public HttpConnection(IPEndPoint registry)
    {
        Socket = new Socket(registry.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Socket.Connect(registry);
    }

    /// <summary>To wait on; blocking.</summary>
    public Socket Socket { get; }

    /// <summary>Sends a request whole.</summary>
    public void Send(ReadOnlySpan<byte> request)
    {
        _length = 0;
        while (!request.IsEmpty)
            request = request[Socket.Send(request)..];
    }

    /// <summary>Takes what has arrived; blocks where nothing has.</summary>
    /// <returns>False where the answer is not complete yet.</returns>
    public bool TryReceive(out HttpAnswer answer)
    {
        int count = Socket.Receive(_buffer.AsSpan(_length));
        if (count == 0)
            throw new IOException("the registry closed a connection");
        _length += count;
        answer = default;
        ReadOnlySpan<byte> received = _buffer.AsSpan(0, _length);
        int end = received.IndexOf("\r\n\r\n"u8);
        if (end < 0)
            return false;
        ReadOnlySpan<byte> head = received[..(end + 2)];
        int status = Number(head["HTTP/1.1 ".Length..]);
        ReadOnlySpan<byte> length = Value(head, "\r\nContent-Length: "u8);
        int bodyLength = length.IsEmpty ? 0 : Number(length);
        if (_length < end + 4 + bodyLength)
            return false;
        answer = new HttpAnswer(status, Value(head, "\r\nRe6stHMAC: "u8), received.Slice(end + 4, bodyLength));
        return true;
    }

    /// <summary>Sends a request and waits for its answer.</summary>
    public HttpAnswer Call(ReadOnlySpan<byte> request)
    {
        Send(request);
        HttpAnswer answer;
        while (!TryReceive(out answer))
        {
            // The rest is on its way.
        }

        return answer;
    }

    /// <inheritdoc/>
    public void Dispose() => Socket.Dispose();

    private static ReadOnlySpan<byte> Value(ReadOnlySpan<byte> head, ReadOnlySpan<byte> name)
    {
        int at = head.IndexOf(name);
        if (at < 0)
            return default;
        ReadOnlySpan<byte> value = head[(at + name.Length)..];
        return value[..value.IndexOf((byte)'\r')];
    }

    private static int Number(ReadOnlySpan<byte> text) =>
        Utf8Parser.TryParse(text, out int number, out _) ? number : throw new IOException("the registry's answer is no HTTP");
}
