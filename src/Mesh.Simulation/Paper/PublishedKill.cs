namespace Mesh.Simulation.Paper;

/// <summary>What was published about survivors, and what their program gave when it was run again with 10,000 nodes and 100 graphs a cell: section 4 of re6st's simulation (cb13b00).</summary>
internal static class PublishedKill
{
    /// <summary>Nodes of each graph.</summary>
    public const int Nodes = 10_000;

    /// <summary>Graphs of each cell.</summary>
    public const int Graphs = 100;

    /// <summary>Tunnels and caps that were run again.</summary>
    public static IReadOnlyList<(int Tunnels, int Cap)> Columns { get; } = [(5, 15), (6, 15), (8, 20), (10, 25), (10, 30), (12, 30), (14, 35), (15, 45)];

    // For each share of survivors in percent: `pair` of each column.
    private static readonly (int Alive, double[] Pairs)[] Reruns =
    [
        (5, [0.996, 0.995, 0.991, 0.977, 0.977, 0.917, 0.756, 0.673]),
        (10, [0.986, 0.922, 0.597, 0.351, 0.360, 0.218, 0.138, 0.106]),
        (15, [0.674, 0.456, 0.214, 0.103, 0.102, 0.0511, 0.0269, 0.0193]),
        (20, [0.348, 0.207, 0.0787, 0.0312, 0.0311, 0.0129, 0.0060, 0.0035]),
        (25, [0.177, 0.0919, 0.0283, 0.0091, 0.0095, 0.0034, 0.0011, 7.4e-4]),
        (30, [0.0904, 0.0439, 0.0109, 0.0027, 0.0029, 7.5e-4, 2.3e-4, 7.3e-5]),
        (40, [0.0228, 0.0087, 0.0014, 2.1e-4, 1.5e-4, 5.5e-5, 5.0e-6, 0]),
        (50, [0.0052, 0.0017, 1.6e-4, 4.0e-6, 1.6e-5, 0, 0, 0]),
        (60, [0.0010, 2.2e-4, 1.0e-5, 6.7e-6, 0, 0, 0, 0]),
        (70, [1.6e-4, 2.0e-5, 2.9e-6, 0, 0, 0, 0, 0]),
        (80, [1.3e-5, 0, 0, 0, 0, 0, 0, 0]),
    ];

    // The share of graphs in more than one piece, 10 tunnels and cap 30; none of 100 from 60 % on, all of them to 25 %.
    private static readonly (int Alive, double Share)[] Splits = [(30, 0.99), (35, 0.81), (40, 0.27), (45, 0.16), (50, 0.04), (55, 0.01)];

    // Read off the published picture, whose nodes, cap, runs and formula are not known: a column for 6, 8, 10, 12 and 14 tunnels opened, which it calls 12 to 28.
    private static readonly (int Alive, double?[] Pairs)[] Picture =
    [
        (5, [0.89, 0.60, 0.37, 0.23, 0.16]),
        (10, [0.48, 0.23, 0.11, 0.057, 0.048]),
        (20, [0.10, 0.033, 0.0092, 0.0029, 0.0033]),
        (30, [0.021, 0.0041, 8.0e-4, 8.4e-5, 6.0e-5]),
        (40, [0.0050, 6.0e-4, 2.3e-5, 8.0e-6, 4.1e-6]),
        (50, [3.3e-4, 1.1e-4, 1.7e-6, 4.6e-8, 3.0e-8]),
        (60, [1.3e-4, 1.1e-6, 2.8e-8, null, null]),
        (70, [2.6e-6, 2.0e-8, null, null, null]),
        (80, [1.2e-8, null, null, null, null]),
    ];

    /// <summary><c>pair</c> of the re-run, and half of its last digit.</summary>
    public static (double Pair, double Rounding)? Pair(OverlayShape shape, int alivePercent)
    {
        int column = IndexOf(shape);
        double[]? pairs = shape.Nodes == Nodes && column >= 0 ? Array.Find(Reruns, row => row.Alive == alivePercent).Pairs : null;
        if (pairs is null)
            return null;
        double pair = pairs[column];
        // They are printed with three digits from 0.1 on, and with two or three below.
        return (pair, pair >= 0.1 ? 0.0005 : pair * 0.05);
    }

    /// <summary>Share of graphs in more than one piece.</summary>
    public static double? Split(OverlayShape shape, int alivePercent) =>
        shape != new OverlayShape(Nodes, 10, 30) ? null
        : alivePercent <= 25 ? 1 : alivePercent >= 60 ? 0 : Array.Find(Splits, row => row.Alive == alivePercent) is { Alive: > 0 } row ? row.Share : null;

    /// <summary>What the published picture shows.</summary>
    public static double? Pictured(int tunnels, int alivePercent) =>
        tunnels is >= 6 and <= 14 && tunnels % 2 == 0 && Array.Find(Picture, row => row.Alive == alivePercent).Pairs is { } pairs ? pairs[(tunnels - 6) / 2] : null;

    /// <summary>The probability that a survivor has lost all its tunnels: <c>(1-a)^k * exp(-a*k)</c>. Twice that is nearly <c>pair</c>, since almost every piece outside the largest is a single node.</summary>
    public static double Isolated(int tunnels, double alive) => Math.Pow(1 - alive, tunnels) * Math.Exp(-alive * tunnels);

    private static int IndexOf(OverlayShape shape)
    {
        for (int i = 0; i < Columns.Count; i++)
        {
            if (Columns[i] == (shape.Tunnels, shape.Cap))
                return i;
        }

        return -1;
    }
}
