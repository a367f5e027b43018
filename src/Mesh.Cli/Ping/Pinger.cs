using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Mesh.Cli.Ping;

/// <summary>Sends echo requests to several addresses over one raw socket, and matches the answers.</summary>
internal sealed class Pinger : IDisposable
{
    private const int DataLength = 56;   // as other pings send
    private const int BufferLength = 2048;

    private readonly Socket _socket = new(AddressFamily.InterNetworkV6, SocketType.Raw, ProtocolType.IcmpV6);
    private readonly ushort _identifier = (ushort)RandomNumberGenerator.GetInt32(ushort.MaxValue + 1);
    private readonly TimeSpan _timeout;
    private readonly ConcurrentDictionary<(IPAddress Target, ushort Sequence), TaskCompletionSource<string?>> _waiting = new();

    /// <summary>Makes a pinger.</summary>
    /// <param name="timeout">How long an answer may take.</param>
    public Pinger(TimeSpan timeout)
    {
        _timeout = timeout;
        _socket.Bind(new IPEndPoint(IPAddress.IPv6Any, 0));
    }

    /// <summary>Sends <paramref name="count"/> requests to each address, and reports in the order of the addresses.</summary>
    /// <remarks>When it is cancelled, it reports what it has so far.</remarks>
    public async Task<IReadOnlyList<PingReport>> RunAsync(IReadOnlyList<IPAddress> targets, int count, TimeSpan interval, CancellationToken cancellation)
    {
        using var done = new CancellationTokenSource();
        Task receiving = ReceiveAsync(done.Token);
        PingReport[] reports = await Task.WhenAll(targets.Select(target => PingAsync(target, count, interval, cancellation)));
        await done.CancelAsync();
        await receiving;
        return reports;
    }

    public void Dispose() => _socket.Dispose();

    private async Task<PingReport> PingAsync(IPAddress target, int count, TimeSpan interval, CancellationToken cancellation)
    {
        var answers = new List<Task<(double? Milliseconds, string? Problem)>>();
        for (ushort sequence = 0; sequence < count && !cancellation.IsCancellationRequested; sequence++)
        {
            Task pause = Task.Delay(interval, cancellation);
            answers.Add(AskAsync(target, sequence, cancellation));
            if (sequence + 1 < count)
                await pause.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        (double? Milliseconds, string? Problem)[] outcomes = await Task.WhenAll(answers);
        return PingReport.Of(
            target.ToString(), outcomes.Length, [.. outcomes.Where(static o => o.Milliseconds is not null).Select(static o => o.Milliseconds!.Value)],
            outcomes.LastOrDefault(static o => o.Problem is not null).Problem);
    }

    private async Task<(double? Milliseconds, string? Problem)> AskAsync(IPAddress target, ushort sequence, CancellationToken cancellation)
    {
        var answer = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting[(target, sequence)] = answer;
        long start = Stopwatch.GetTimestamp();
        try
        {
            _ = await _socket.SendToAsync(EchoMessage.Request(_identifier, sequence, DataLength), new IPEndPoint(target, 0), cancellation);
            string? problem = await answer.Task.WaitAsync(_timeout, cancellation);
            return problem is null ? (Stopwatch.GetElapsedTime(start).TotalMilliseconds, null) : (null, problem);
        }
        catch (TimeoutException)
        {
            return (null, "no answer");
        }
        catch (OperationCanceledException)
        {
            return (null, "stopped");
        }
        catch (SocketException e)
        {
            return (null, e.Message);
        }
        finally
        {
            _ = _waiting.TryRemove((target, sequence), out _);
        }
    }

    private async Task ReceiveAsync(CancellationToken cancellation)
    {
        byte[] buffer = new byte[BufferLength];
        var any = new IPEndPoint(IPAddress.IPv6Any, 0);
        while (true)
        {
            try
            {
                SocketReceiveFromResult received = await _socket.ReceiveFromAsync(buffer, SocketFlags.None, any, cancellation);
                if (EchoMessage.TryDecode(buffer.AsSpan(0, received.ReceivedBytes), out EchoMessage? echo) && echo.Identifier == _identifier)
                    Deliver(echo, ((IPEndPoint)received.RemoteEndPoint).Address);
            }
            catch (SocketException)
            {
                // An error of an earlier send is reported here too; that request simply gets no answer.
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private void Deliver(EchoMessage echo, IPAddress from)
    {
        if (_waiting.TryGetValue((echo.Destination ?? from, echo.Sequence), out TaskCompletionSource<string?>? answer))
            _ = answer.TrySetResult(echo.Problem);
    }
}
