namespace Mesh.Simulation.Paper;

/// <summary>What was published about hops, and what their program gave when it was run again: section 3 of re6st's simulation (cb13b00).</summary>
internal static class PublishedHops
{
    // From so many nodes on the tolerances are the narrow ones.
    private const int LargeNetwork = 400;

    /// <summary>Nodes of the published table.</summary>
    public static IReadOnlyList<int> Nodes { get; } = [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 51_200, 102_400];

    /// <summary>Tunnels opened by each node, of the published table.</summary>
    public static IReadOnlyList<int> Tunnels { get; } = [5, 10, 15, 20, 25, 30, 35, 40, 45, 50];

    // A row for each number of nodes, a column for each number of tunnels.
    private static readonly double[][] Means =
    [
        [2.23943, 1.81968, 1.72034, 1.64959, 1.58585, 1.52840, 1.47638, 1.42951, 1.38698, 1.34873],
        [2.54961, 2.03163, 1.86349, 1.80903, 1.76841, 1.73019, 1.69445, 1.65978, 1.62740, 1.59595],
        [2.84340, 2.31081, 2.03105, 1.92007, 1.87984, 1.85582, 1.83433, 1.81342, 1.79337, 1.77366],
        [3.16889, 2.57407, 2.28400, 2.08634, 1.98312, 1.93768, 1.91634, 1.90273, 1.89110, 1.87994],
        [3.48318, 2.77183, 2.54659, 2.34084, 2.17866, 2.06928, 2.00456, 1.96955, 1.95108, 1.94038],
        [3.77363, 2.96714, 2.74252, 2.59115, 2.44041, 2.30543, 2.19489, 2.11150, 2.05266, 2.01386],
        [4.09112, 3.23114, 2.88104, 2.77035, 2.66669, 2.55876, 2.45304, 2.35494, 2.26813, 2.19450],
        [4.41052, 3.50670, 3.05850, 2.88684, 2.81731, 2.74861, 2.67506, 2.59909, 2.52312, 2.44937],
        [4.70121, 3.72110, 3.31816, 3.02539, 2.91355, 2.86583, 2.82206, 2.77469, 2.72421, 2.67182],
        [5.01057, 3.90563, 3.57438, 3.25994, 3.04296, 2.94729, 2.90843, 2.88037, 2.85126, 2.81991],
        [5.33644, 4.15060, 3.76082, 3.52155, 3.27455, 3.09040, 2.99015, 2.94609, 2.92372, 2.90565],
    ];

    private static readonly int[] RerunTunnels = [5, 10, 15, 20, 25, 50];

    private static readonly (int Nodes, (double Mean, int Max)[] Cells)[] Reruns =
    [
        (1_000, [(3.26964, 5), (2.64372, 4), (2.37339, 3), (2.16218, 3), (2.03394, 3), (1.90289, 3)]),
        (2_000, [(3.57487, 5), (2.83028, 4), (2.61853, 4), (2.42704, 3), (2.26124, 3), (1.95745, 3)]),
        (5_000, [(3.97046, 6), (3.13053, 5), (2.83333, 4), (2.71537, 4), (2.59360, 3), (2.11643, 3)]),
        (10_000, [(4.29729, 6), (3.41307, 5), (2.98416, 4), (2.84899, 4), (2.77222, 4), (2.35802, 3)]),
        (20_000, [(4.60274, 6), (3.65507, 5), (3.22034, 4), (2.96577, 4), (2.88124, 4), (2.60078, 3)]),
        (50_000, [(4.99376, 7), (3.89607, 5), (3.56460, 5), (3.25116, 4), (3.03818, 4), (2.81601, 3)]),
        (100_000, [(5.32058, 7), (4.14197, 5), (3.75496, 5), (3.51352, 4), (3.26547, 4), (2.90368, 4)]),
    ];

    /// <summary>The published mean. Its cap was 2.5 times the tunnels, and another comparison; that moves it by 0.15 % at most.</summary>
    public static double? Published(OverlayShape shape)
    {
        int row = Nodes.IndexOf(shape.Nodes), column = Tunnels.IndexOf(shape.Tunnels);
        return row < 0 || column < 0 || shape.Cap != 3 * shape.Tunnels ? null : Means[row][column];
    }

    /// <summary>Mean and largest distance seen; of large networks not every source was searched, so that the latter is a lower bound.</summary>
    public static (double Mean, int Max)? Rerun(OverlayShape shape)
    {
        int row = Array.FindIndex(Reruns, row => row.Nodes == shape.Nodes), column = Array.IndexOf(RerunTunnels, shape.Tunnels);
        return row < 0 || column < 0 || shape.Cap != 3 * shape.Tunnels ? null : Reruns[row].Cells[column];
    }

    /// <summary>Which part of theirs ours may be away.</summary>
    public static double Tolerance(int nodes, bool isPublished) => nodes < LargeNetwork ? 0.01 : isPublished ? 0.004 : 0.003;

    private static int IndexOf(this IReadOnlyList<int> list, int value)
    {
        for (int i = 0; i < list.Count; i++)
        {
            if (list[i] == value)
                return i;
        }

        return -1;
    }
}
