namespace Mesh.Fuzz.Tests.Harness;

/// <summary>A decoder, with what it promises about every input.</summary>
/// <remarks>
/// The contract: no exception but <see cref="Expected"/>; at most <see cref="OctetsPerOctet"/> octets allocated for each of the input and <see cref="BaseOctets"/>
/// besides; at most <see cref="TimePerOctet"/> for each octet and <see cref="BaseTime"/> besides; and what <see cref="Check"/> says about a decoded value, which for
/// formats that we write too is that its encoding decodes to an equal value.
/// </remarks>
internal sealed record FuzzTarget(string Name, IReadOnlyList<byte[]> Corpus)
{
    /// <summary>Whether it is given text: <see cref="FuzzInput.Text"/>.</summary>
    public bool IsText { get; init; }

    /// <summary>Makes what a run needs, and returns the run, which is what is measured. The run returns the decoded value, or null if it refused the input.</summary>
    public required Func<FuzzInput, Func<object?>> Prepare { get; init; }

    /// <summary>What has to hold of a decoded value: null, or what is wrong.</summary>
    public Func<FuzzInput, object, string?> Check { get; init; } = static (_, _) => null;

    /// <summary>The methods of the product that are run, as <see cref="Methods.Name(System.Reflection.MethodBase)"/> writes them.</summary>
    public IReadOnlyList<string> Covers { get; init; } = [];

    /// <summary>The exception by which an input is refused, or null where none is allowed.</summary>
    public Type? Expected { get; init; }

    /// <summary>What has to hold of that exception: null, or what is wrong. Positions lie inside the text, for example.</summary>
    public Func<FuzzInput, Exception, string?> CheckRefusal { get; init; } = static (_, _) => null;

    /// <summary>Allocation for each octet of the input.</summary>
    public int OctetsPerOctet { get; init; } = 64;

    /// <summary>Allocation that does not depend on the input.</summary>
    public int BaseOctets { get; init; } = 16 * 1024;

    /// <summary>Time for each octet of the input.</summary>
    public TimeSpan TimePerOctet { get; init; } = TimeSpan.FromMicroseconds(5);

    /// <summary>Time that does not depend on the input.</summary>
    public TimeSpan BaseTime { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>No input is longer.</summary>
    public int MaxLength { get; init; } = 4096;

    /// <summary>How many times the usual share of the time it gets: more where inputs are slow and much is behind them.</summary>
    public int Share { get; init; } = 1;

    /// <summary>Pieces that the format is made of.</summary>
    public IReadOnlyList<byte[]> Tokens { get; init; } = [];

    /// <summary>Ways to make a mutated input one that gets further: lengths, checksums, signatures. Each is tried on a part of the inputs.</summary>
    public IReadOnlyList<Func<Actors.DeterministicRandom, byte[], byte[]>> Repairs { get; init; } = [];

    /// <inheritdoc/>
    public override string ToString() => Name;
}
