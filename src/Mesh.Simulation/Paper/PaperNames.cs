using System.Text.Json;

namespace Mesh.Simulation.Paper;

/// <summary>Experiments by the names that they have on the command line and in results.</summary>
public static class PaperNames
{
    /// <summary>All of them, in the order in which they are run.</summary>
    public static IReadOnlyList<PaperExperiment> All { get; } = Enum.GetValues<PaperExperiment>();

    /// <summary>The name, as in <c>refresh-hops</c>.</summary>
    public static string Of(PaperExperiment experiment) => JsonNamingPolicy.KebabCaseLower.ConvertName(experiment.ToString());
}
