using Mesh.Hocon.Schema;

namespace Mesh.Cli.Shell;

/// <summary>Finds the name that somebody probably meant.</summary>
internal static class NearestName
{
    private const int LongestName = 40;   // longer ones are not typing mistakes

    /// <summary>The closest of some names, or null if none is close.</summary>
    public static string? Find(string wrong, IEnumerable<string> known)
    {
        if (wrong.Length > LongestName)
            return null;
        string? best = null;
        int bestDistance = Math.Max(1, wrong.Length / 3) + 1;
        foreach (string candidate in known)
        {
            bool begins = wrong.Length >= 2 && candidate.StartsWith(wrong, StringComparison.OrdinalIgnoreCase);
            int distance = begins ? 1 : NearMiss.Distance(wrong.ToLowerInvariant(), candidate.ToLowerInvariant());
            if (distance < bestDistance)
                (best, bestDistance) = (candidate, distance);
        }
        return best;
    }
}
