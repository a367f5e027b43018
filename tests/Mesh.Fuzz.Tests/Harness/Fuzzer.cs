using System.Diagnostics;
using System.Text;
using Mesh.Actors;

namespace Mesh.Fuzz.Tests.Harness;

/// <summary>How often a target was run.</summary>
internal readonly record struct FuzzCount(long Tried, long Accepted);

/// <summary>A target broke its contract.</summary>
internal sealed class FuzzException(string message, byte[] smallest, Violation violation) : Exception(message)
{
    /// <summary>The smallest input known that shows it.</summary>
    public byte[] Smallest => smallest;

    /// <summary>What it shows.</summary>
    public Violation Violation => violation;
}

/// <summary>Feeds one target with mutated inputs. The inputs depend on seed and target alone; the budget only says after how many of them it ends.</summary>
internal sealed class Fuzzer
{
    // Accepted inputs are mutated further. No coverage is measured: that an input was accepted is what is known about it.
    private const int MaxPool = 256;
    private const int RunsPerLookAtTheClock = 16;

    private readonly FuzzTarget _target;
    private readonly ulong _seed;
    private readonly DeterministicRandom _random;
    private readonly Mutator _mutator;
    private readonly List<byte[]> _pool;
    private long _tried;
    private long _accepted;

    /// <summary>A run from its beginning.</summary>
    public Fuzzer(FuzzTarget target, ulong seed)
    {
        (_target, _seed) = (target, seed);
        _random = new DeterministicRandom(seed ^ NameHash(target.Name));
        _mutator = new Mutator(_random, target.Tokens, Math.Max(target.MaxLength, target.Corpus.Max(static entry => entry.Length)));
        _pool = [.. target.Corpus];
    }

    /// <summary>The corpus as it is, then mutated inputs until the time is over.</summary>
    /// <exception cref="FuzzException">An input breaks the contract.</exception>
    public FuzzCount Run(TimeSpan budget, long maxRuns = long.MaxValue)
    {
        // Code is compiled and tables are made; what that costs says nothing about the input.
        foreach (byte[] entry in _target.Corpus)
            _ = Contract.Probe(_target, FuzzInput.Of(entry, _target.IsText), out _);
        foreach (byte[] entry in _target.Corpus)
            Try(entry);
        long start = Stopwatch.GetTimestamp();
        while (_tried < maxRuns && (_tried % RunsPerLookAtTheClock != 0 || Stopwatch.GetElapsedTime(start) < budget))
            Try(Next());
        return new FuzzCount(_tried, _accepted);
    }

    /// <summary>The next input.</summary>
    public byte[] Next()
    {
        byte[] input = _mutator.Mutate(Pick(), Pick());
        if (_target.Repairs.Count > 0 && _random.Next(4) != 0)
            input = _target.Repairs[_random.Next(_target.Repairs.Count)](_random, input);
        return input;
    }

    // Half of them from the corpus: what is accepted easily would else crowd out what is rare.
    private byte[] Pick() => _random.Next(2) == 0 ? _target.Corpus[_random.Next(_target.Corpus.Count)] : _pool[_random.Next(_pool.Count)];

    private void Try(byte[] octets)
    {
        _tried++;
        Violation? broken;
        bool isAccepted;
        using (Watchdog.Watch(octets, Replay))
            broken = Contract.Probe(_target, FuzzInput.Of(octets, _target.IsText), out isAccepted);
        if (broken is not null)
            throw Failure(octets, broken);
        if (!isAccepted)
            return;
        _accepted++;
        if (_pool.Count < MaxPool)
            _pool.Add(octets);
        else if (_target.Corpus.Count < MaxPool)
            _pool[_random.Next(_target.Corpus.Count, MaxPool)] = octets;   // the corpus stays
    }

    private string Replay() => $"{_target.Name}, input {_tried} of seed {_seed}: FUZZ_SEED={_seed} FUZZ_TARGET={_target.Name}";

    private FuzzException Failure(byte[] octets, Violation broken)
    {
        byte[] smallest = Shrinker.Shrink(_target, octets, broken);
        Violation shown = Contract.Probe(_target, FuzzInput.Of(smallest, _target.IsText), out _) ?? broken;
        var message = new StringBuilder($"{Replay()}\n{shown.Kind}: {shown.Detail}\ninput    {Convert.ToHexString(octets)}\nsmallest {Convert.ToHexString(smallest)}");
        if (_target.IsText)
            _ = message.Append($"\nas text  {System.Text.Json.JsonSerializer.Serialize(FuzzInput.TextOf(smallest))}");
        return new FuzzException(message.ToString(), smallest, shown);
    }

    // FNV-1a: string.GetHashCode differs from run to run.
    private static ulong NameHash(string name) => name.Aggregate(0xCBF2_9CE4_8422_2325, static (hash, character) => (hash ^ character) * 0x100_0000_01B3);
}
