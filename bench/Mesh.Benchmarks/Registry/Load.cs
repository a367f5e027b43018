using System.Diagnostics;
using System.Net.Sockets;

namespace Mesh.Benchmarks.Registry;

/// <summary>What came of a load.</summary>
/// <param name="Count">Calls that were answered.</param>
/// <param name="Elapsed">From the first call to the last answer.</param>
/// <param name="OwnTime">Processor time that the generator used.</param>
/// <param name="RegistryTime">Processor time that the registry used.</param>
/// <param name="Latencies">In stopwatch ticks, sorted.</param>
internal sealed record LoadResult(int Count, TimeSpan Elapsed, TimeSpan OwnTime, TimeSpan RegistryTime, long[] Latencies)
{
    /// <summary>Calls per second.</summary>
    public double Rate => Count / Elapsed.TotalSeconds;

    /// <summary>How long <paramref name="share"/> of the calls took at most, ms.</summary>
    public double Percentile(double share) =>
        Stopwatch.GetElapsedTime(0, Latencies[Math.Clamp((int)Math.Ceiling(share * Latencies.Length) - 1, 0, Latencies.Length - 1)]).TotalMilliseconds;
}

/// <summary>Makes calls on many connections from one thread, and measures them.</summary>
internal static class Load
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Every client calls again as soon as it is answered, or, with a rate, when its turn comes; latency then counts from the turn, so that a late call is a slow one.</summary>
    /// <param name="registry">Whose processor time is read.</param>
    /// <param name="clients">Each with a connection of its own.</param>
    /// <param name="duration">For how long new calls are made.</param>
    /// <param name="rate">Calls per second of all clients together, or null for as many as there can be.</param>
    public static LoadResult Run(RegistryProcess registry, IReadOnlyList<Client> clients, TimeSpan duration, double? rate = null)
    {
        var latencies = new List<long>(1 << 18);
        Dictionary<Socket, Client> bySocket = clients.ToDictionary(static client => client.Connection.Socket);
        var waiting = new HashSet<Client>();
        var idle = new Queue<Client>();   // in the order of their turns
        var ready = new List<Socket>(clients.Count);
        long interval = rate is { } perSecond ? (long)(Stopwatch.Frequency / perSecond) : 0;
        (TimeSpan ownBefore, TimeSpan registryBefore) = (Environment.CpuUsage.TotalTime, registry.ProcessorTime);
        long start = Stopwatch.GetTimestamp(), end = start + (long)(duration.TotalSeconds * Stopwatch.Frequency), turn = start;
        foreach (Client client in clients)
        {
            client.Due = turn;
            turn += interval;
            idle.Enqueue(client);
        }

        while (true)
        {
            long now = Stopwatch.GetTimestamp();
            while (idle.TryPeek(out Client? next) && next.Due <= now && next.Due < end)
            {
                next.Connection.Send(next.Next());
                waiting.Add(idle.Dequeue());
            }

            bool isOver = !idle.TryPeek(out Client? coming) || coming.Due >= end;
            if (waiting.Count == 0 && isOver && now >= end)
                break;
            ready.Clear();
            foreach (Client client in waiting)
                ready.Add(client.Connection.Socket);
            TimeSpan pause = isOver ? Patience : Stopwatch.GetElapsedTime(now, coming!.Due);
            if (ready.Count == 0)
            {
                if (!isOver)
                    Thread.Sleep(pause);
                else
                    break;
                continue;
            }

            Socket.Select(ready, checkWrite: null, checkError: null, pause);
            if (ready.Count == 0 && isOver)
                throw new TimeoutException($"{waiting.Count} calls were not answered within {Patience}");
            foreach (Socket socket in ready)
            {
                Client client = bySocket[socket];
                if (!client.Connection.TryReceive(out HttpAnswer answer))
                    continue;
                client.Check(answer);
                long answered = Stopwatch.GetTimestamp();
                latencies.Add(answered - client.Due);
                waiting.Remove(client);
                client.Due = interval == 0 ? answered : turn;
                turn += interval;
                if (client.Due < end)
                    idle.Enqueue(client);
            }
        }

        TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
        var result = new LoadResult(
            latencies.Count, elapsed, Environment.CpuUsage.TotalTime - ownBefore, registry.ProcessorTime - registryBefore, [.. latencies.Order()]);
        return result.Count > 0 ? result : throw new InvalidOperationException("the registry answered nothing");
    }
}
