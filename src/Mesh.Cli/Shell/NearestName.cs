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
            int distance = begins ? 1 : Distance(wrong.ToLowerInvariant(), candidate.ToLowerInvariant());
            if (distance < bestDistance)
                (best, bestDistance) = (candidate, distance);
        }
        return best;
    }

    // How many letters to insert, delete, replace or swap with their neighbour (optimal string alignment).
    private static int Distance(string a, string b)
    {
        int[,] cost = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
            cost[i, 0] = i;
        for (int j = 0; j <= b.Length; j++)
            cost[0, j] = j;
        for (int i = 1; i <= a.Length; i++)
        {
            for (int j = 1; j <= b.Length; j++)
            {
                int replaced = cost[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                cost[i, j] = Math.Min(replaced, Math.Min(cost[i - 1, j], cost[i, j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    cost[i, j] = Math.Min(cost[i, j], cost[i - 2, j - 2] + 1);
            }
        }
        return cost[a.Length, b.Length];
    }
}
