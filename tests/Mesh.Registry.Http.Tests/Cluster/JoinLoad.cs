using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using Mesh.Protocol.Registry;
using Mesh.Security.Certificates;
using Mesh.Security.Keys;

namespace Mesh.Registry.Http.Tests.Cluster;

/// <summary>Machines that join, one after the other in each of some lanes, through processes at random. Each asks until it has a certificate, as nodes do.</summary>
internal sealed class JoinLoad
{
    private const int Lanes = 12;   // some of them wait in vain for a process that is frozen

    private static readonly Lazy<PrivateKey[]> Keys = new(static () => [.. Enumerable.Range(0, 4).Select(static _ => PrivateKey.Generate())]);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly ConcurrentDictionary<string, string> _given = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<long> _times = new();
    private readonly IReadOnlyList<int> _ports;
    private readonly Task[] _lanes;
    private volatile bool _isEnding;
    private int _next;
    private int _unanswered;

    /// <param name="ports">Of the processes.</param>
    /// <param name="tokens">How many there are: <c>token-0</c> and so on, each for one machine.</param>
    /// <param name="seed">Decides who asks whom.</param>
    public JoinLoad(IReadOnlyList<int> ports, int tokens, int seed)
    {
        _ports = ports;
        _ = Keys.Value;
        _lanes = [.. Enumerable.Range(0, Lanes).Select(lane => Task.Run(() => JoinAllAsync(tokens, new Random(seed + lane))))];
    }

    /// <summary>Certificates by token, as they were answered.</summary>
    public IReadOnlyDictionary<string, string> Given => _given;

    /// <summary>How many joined so far. Throws what has gone wrong with one of them.</summary>
    public int Joined
    {
        get
        {
            if (Array.Find(_lanes, static lane => lane.IsFaulted) is { Exception: { } e })
                throw new InvalidOperationException("a machine has got a wrong answer", e);
            return _given.Count;
        }
    }

    /// <summary>Requests that got no answer or a refusal.</summary>
    public int Unanswered => _unanswered;

    public static string TokenOf(int number) => $"token-{number}";

    /// <summary>The request that a token's machine sends.</summary>
    public static string TargetOf(int number) => RegistryCall.Create(
        RegistryMethod.RequestCertificate, ("token", TokenOf(number)), ("req", new CertificateRequestBuilder().ToPem(Keys.Value[number % Keys.Value.Length])), ("location", ""), ("ip", "")).Target;

    /// <summary>Lets everybody who has begun come to an end.</summary>
    public async Task EndAsync()
    {
        _isEnding = true;
        await Task.WhenAll(_lanes).WaitAsync(Limit);
    }

    /// <summary>The longest time without an answer since a moment.</summary>
    public TimeSpan LongestGapSince(long start)
    {
        TimeSpan longest = TimeSpan.Zero;
        long last = start;
        foreach (long time in _times.Where(t => t > start).Order())
        {
            TimeSpan gap = Stopwatch.GetElapsedTime(last, time);
            (longest, last) = (gap > longest ? gap : longest, time);
        }

        return longest;
    }

    private async Task JoinAllAsync(int tokens, Random random)
    {
        while (!_isEnding)
        {
            int number = Interlocked.Increment(ref _next) - 1;
            if (number >= tokens)
                return;
            string target = TargetOf(number);
            while (true)
            {
                RawResponse? response = await TryAsync(_ports[random.Next(_ports.Count)], target);
                if (response is { Status: 200 })
                {
                    _given[TokenOf(number)] = response.Text;
                    _times.Enqueue(Stopwatch.GetTimestamp());
                    break;
                }

                Assert.True(response is null or { Status: 503 }, $"{response?.Status} {response?.Text}");
                _ = Interlocked.Increment(ref _unanswered);
                await Task.Delay(random.Next(10, 100));
            }
        }
    }

    private static async Task<RawResponse?> TryAsync(int port, string target)
    {
        try
        {
            return await ClusterNode.GetAsync(port, target, patience: Patience);
        }
        catch (Exception e) when (e is SocketException or IOException or OperationCanceledException)
        {
            return null;
        }
    }
}
