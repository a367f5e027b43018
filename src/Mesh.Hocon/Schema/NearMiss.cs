namespace Mesh.Hocon.Schema;

/// <summary>Finds the name that somebody probably meant.</summary>
public static class NearMiss
{
    // Longer names are not typing mistakes, and the search is quadratic in the length.
    private const int LongestName = 100;

    /// <summary>The closest of some paths, or null if none is close.</summary>
    public static string? Find(string wrong, IEnumerable<string> known)
    {
        if (wrong.Length > LongestName)
            return null;
        string plain = Plain(wrong);
        string? best = null;
        int bestDistance = Math.Max(1, plain.Length / 4) + 1;
        foreach (string candidate in known)
        {
            string plainCandidate = Plain(candidate);
            // The right key without its section is as good a hint as one wrong letter.
            bool isTail = candidate.EndsWith("." + wrong, StringComparison.Ordinal);
            int distance = isTail ? 1 : Math.Abs(plain.Length - plainCandidate.Length) >= bestDistance ? bestDistance : Distance(plain, plainCandidate);
            if (distance < bestDistance)
                (best, bestDistance) = (candidate, distance);
        }
        return best;
    }

    // clientCount, client_count and client-count are the same word.
    private static string Plain(string name)
        => string.Concat(name.Where(c => c is not ('-' or '_')).Select(char.ToLowerInvariant));

    /// <summary>How many letters to insert, delete, replace or swap with their neighbour (optimal string alignment).</summary>
    public static int Distance(string a, string b)
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
                int replace = cost[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                cost[i, j] = Math.Min(replace, Math.Min(cost[i - 1, j], cost[i, j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    cost[i, j] = Math.Min(cost[i, j], cost[i - 2, j - 2] + 1);
            }
        }
        return cost[a.Length, b.Length];
    }
}
