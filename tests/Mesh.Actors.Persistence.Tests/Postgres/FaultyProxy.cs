using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Mesh.Actors.Persistence.Tests.Postgres;

/// <summary>The network between one client and a server on this machine, which a test can make fail. Linked into other test projects.</summary>
public sealed class FaultyProxy : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<Socket, byte> _sockets = new();
    private readonly CancellationTokenSource _ending = new();
    private readonly int _port;
    private long _swallowed;

    public FaultyProxy(int port)
    {
        _port = port;
        _listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>What the client sends gets lost.</summary>
    public volatile bool LosesRequests;

    /// <summary>What the server sends gets lost.</summary>
    public volatile bool LosesAnswers;

    /// <summary>New connections are closed at once.</summary>
    public volatile bool Refuses;

    /// <summary>Octets that got lost.</summary>
    public long Swallowed => Interlocked.Read(ref _swallowed);

    /// <summary>Nothing passes, in either direction, and nobody is told.</summary>
    public bool IsBlackHole
    {
        set => (LosesRequests, LosesAnswers) = (value, value);
    }

    /// <summary>Closes all connections at both ends.</summary>
    public void Cut()
    {
        foreach (Socket socket in _sockets.Keys)
            Close(socket);
    }

    public void Dispose()
    {
        _ending.Cancel();   // never disposed of: those who run look at it
        _listener.Dispose();
        Cut();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket client = await _listener.AcceptSocketAsync(_ending.Token);
                if (Refuses)
                    client.Dispose();
                else
                    _ = CarryAsync(client);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // The test is over.
        }
    }

    private async Task CarryAsync(Socket client)
    {
        var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        _sockets[client] = _sockets[server] = 0;
        try
        {
            client.NoDelay = server.NoDelay = true;
            await server.ConnectAsync(IPAddress.Loopback, _port, _ending.Token);
            await Task.WhenAll(PumpAsync(client, server, () => LosesRequests), PumpAsync(server, client, () => LosesAnswers));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // Cut, or over.
        }

        Close(client);
        Close(server);
    }

    private async Task PumpAsync(Socket from, Socket to, Func<bool> isLost)
    {
        byte[] buffer = new byte[64 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer, _ending.Token) is > 0 and int count)
            {
                if (isLost())
                    _ = Interlocked.Add(ref _swallowed, count);
                else
                    _ = await to.SendAsync(buffer.AsMemory(0, count), _ending.Token);
            }

            // One direction is at its end; the other may still have something to say.
            if (!isLost())
                to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            Close(from);
            Close(to);
        }
    }

    private void Close(Socket socket)
    {
        _ = _sockets.TryRemove(socket, out _);
        socket.Dispose();
    }
}
