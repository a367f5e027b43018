using System.Text.Json.Serialization;
using Mesh.Actors;

namespace Mesh.Simulation.Paper;

/// <summary>The experiments that re6st published.</summary>
public enum PaperExperiment
{
    /// <summary>Mean and largest distance in a fresh overlay.</summary>
    Hops,

    /// <summary>Who can still talk when a fraction of the nodes is gone.</summary>
    Kill,

    /// <summary>The fewest tunnels whose loss splits the overlay.</summary>
    Cut,

    /// <summary>Whether replacing the least used tunnel shortens paths, in hops.</summary>
    RefreshHops,

    /// <summary>The same in microseconds.</summary>
    RefreshLatency,

    /// <summary>The same along the next hops of running nodes: not published by anybody, and beside our own graph.</summary>
    RefreshNodes,
}

/// <summary>What came of the experiments.</summary>
/// <param name="Seed">What everything random followed from.</param>
/// <param name="Threads">How many threads worked. The rows do not depend on it.</param>
/// <param name="Rows">All rows, in the order of the experiments.</param>
/// <param name="Seconds">How long each experiment took.</param>
/// <param name="IsPartial">Whether it was stopped before its end.</param>
/// <param name="Notes">What a reader of the numbers has to know, a sentence each.</param>
public sealed record PaperResult(ulong Seed, int Threads, IReadOnlyList<PaperRow> Rows, OrderedDictionary<string, double> Seconds, bool IsPartial, IReadOnlyList<string> Notes)
{
    /// <summary>How many numbers were held against a tolerance.</summary>
    public int Compared => Rows.Sum(static row => row.Comparisons.Count(static one => one.Agrees is not null));

    /// <summary>How many of them were outside of it.</summary>
    public int Outside => Rows.Sum(static row => row.Comparisons.Count(static one => one.Agrees == false));

    /// <summary>Sixteen hexadecimal digits over all keys and values: equal where two runs measured the same.</summary>
    public string Digest
    {
        get
        {
            var digest = new Digest();
            foreach (PaperRow row in Rows)
            {
                digest.Add((ulong)row.Experiment);
                foreach ((string name, double value) in row.Key.Concat(row.Values))
                {
                    digest.Add(name);
                    digest.Add(BitConverter.DoubleToUInt64Bits(value));
                }
            }

            return digest.ToString();
        }
    }
}

/// <summary>JSON shapes, generated at build time.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, Converters = [typeof(PaperExperimentConverter)])]
[JsonSerializable(typeof(PaperResult))]
public sealed partial class PaperJson : JsonSerializerContext;

/// <summary>Experiments by their names on the command line.</summary>
public sealed class PaperExperimentConverter() : JsonStringEnumConverter<PaperExperiment>(System.Text.Json.JsonNamingPolicy.KebabCaseLower);
