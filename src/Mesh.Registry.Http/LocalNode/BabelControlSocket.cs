using System.Net.Sockets;
using Mesh.Actors;
using Mesh.Protocol.BabelControl;
using Mesh.Registry.LocalNode;

namespace Mesh.Registry.Http.LocalNode;

/// <summary>The patched babeld on the same machine, through its control socket. One connection for each dump, one dump at a time.</summary>
/// <param name="path">The Unix socket, in re6st's run directory <c>babeld.sock</c>.</param>
/// <param name="timeout">For a whole dump; null for 2 s.</param>
public sealed class BabelControlSocket(string path, TimeSpan? timeout = null) : IRouteDumpPort
{
    private readonly TimeSpan _timeout = timeout ?? TimeSpan.FromSeconds(2);
    private int _isBusy;

    /// <inheritdoc/>
    public void Dump(ActorRef replyTo)
    {
        ArgumentNullException.ThrowIfNull(replyTo);
        if (Interlocked.Exchange(ref _isBusy, 1) != 0)
            replyTo.Tell(new DumpFailed("another dump is under way"), sender: null);
        else
            _ = Task.Run(() => AnswerAsync(replyTo));
    }

    private async Task AnswerAsync(ActorRef replyTo)
    {
        object answer;
        try
        {
            using var patience = new CancellationTokenSource(_timeout);
            DumpResponse dump = await ReadAsync(patience.Token).ConfigureAwait(false);
            answer = new RoutesDumped([.. dump.Routes.Where(static route => route.IsInstalled).Select(static route => route.Prefix)]);
        }
        catch (Exception e)
        {
            // Whatever it was, the actor waits for an answer.
            answer = new DumpFailed(e switch
            {
                OperationCanceledException => $"{path} did not answer within {_timeout.TotalSeconds:0.###} s",
                EndOfStreamException => $"{path} closed the connection too early",
                SocketException or IOException => $"{path}: {e.Message}",
                InvalidDataException => $"{path} {e.Message}",
                _ => $"{path}: {e.GetType().Name}: {e.Message}",
            });
        }

        Volatile.Write(ref _isBusy, 0);
        replyTo.Tell(answer, sender: null);
    }

    private async Task<DumpResponse> ReadAsync(CancellationToken cancellation)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation).ConfigureAwait(false);
        await using var stream = new NetworkStream(socket);
        byte[] request = [ControlPacket.Greeting, .. DumpRequest.Usual.Encode()];
        await stream.WriteAsync(request, cancellation).ConfigureAwait(false);
        byte[] header = new byte[ControlPacket.HeaderLength];
        await stream.ReadExactlyAsync(header, cancellation).ConfigureAwait(false);
        if (!ControlPacket.TryReadHeader(header, out ushort type, out int length))
            throw new InvalidDataException($"announced more than {ControlPacket.MaxBodyLength} octets");
        if (type != ControlPacket.Dump)
            throw new InvalidDataException($"answered with a packet of type {type}");
        byte[] body = await ReadBodyAsync(stream, length, cancellation).ConfigureAwait(false);
        return DumpResponse.TryDecode(body, out DumpResponse? dump) ? dump : throw new InvalidDataException("sent a dump that cannot be read");
    }

    // Grows with what really comes, not with what was announced.
    private static async Task<byte[]> ReadBodyAsync(NetworkStream stream, int length, CancellationToken cancellation)
    {
        byte[] body = new byte[Math.Min(length, 64 * 1024)];
        for (int read = 0; read < length;)
        {
            if (read == body.Length)
                Array.Resize(ref body, Math.Min(length, 2 * body.Length));
            int count = await stream.ReadAsync(body.AsMemory(read), cancellation).ConfigureAwait(false);
            if (count == 0)
                throw new EndOfStreamException();
            read += count;
        }

        return body;
    }
}
