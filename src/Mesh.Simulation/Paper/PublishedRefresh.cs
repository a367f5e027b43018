namespace Mesh.Simulation.Paper;

/// <summary>What is known of the latency experiment: section 6 of re6st's simulation (cb13b00). 2,500 nodes, 10 tunnels, cap 30.</summary>
internal static class PublishedRefresh
{
    /// <summary>The mean of five seeds may be so far away.</summary>
    public const double MeanTolerance = 0.02;

    /// <summary>One seed may be so far away.</summary>
    public const double SeedTolerance = 0.04;

    /// <summary>So many seeds make a mean.</summary>
    public const int SeedsOfMean = 5;

    /// <summary>Standard deviations of the arity may differ so much.</summary>
    public const double DeviationTolerance = 0.4;

    /// <summary>Shares of nodes may differ so much.</summary>
    public const double ShareTolerance = 0.03;

    /// <summary>The shape of all numbers here.</summary>
    public static OverlayShape Shape { get; } = new(2_500, 10, 30);

    /// <summary>One row for <c>U</c>. Re-run and restated are one seed each.</summary>
    public readonly record struct UniformRow(int Row, double? Rerun, double? Restated, double? Deviation, double? AtCap);

    /// <summary>One row for <c>H</c>. Re-run and restated are one seed each; what is not called re-run is restated.</summary>
    public readonly record struct HeterogeneousRow(int Row, double? Rerun, double? Restated, double? Worst, double? Hops, double? Deviation, double? AtCap, double? Low);

    /// <summary>One row of the published file, mean of two runs on the Meridian matrix, which cannot be handed on.</summary>
    public readonly record struct MeridianRow(int Row, double Mean, double Deviation, double AtCap, double Low);

    /// <summary>Means of all pairs' shortest paths if every pair had a tunnel, self included.</summary>
    public static double? Optimum(string matrix) => matrix switch { "U" => 16_176.1, "H" => 28_204.9, _ => null };

    /// <summary>Mean of nine seeds on <c>H</c>: three re-run, six restated.</summary>
    public static double? NineSeeds(int row) => row switch { 0 => 94_722, 2 => 86_112, 5 => 77_254, 10 => 67_959, _ => null };

    /// <summary>With churn: <c>H</c>, each node's probability to reboot in a round uniform from 0 to 0.05, restated, one seed.</summary>
    public static double? Churned(int row) => row switch { 0 => 93_700, 10 => 72_200, 20 => 65_900, 30 => 62_700, 50 => 61_000, 80 => 60_200, 100 => 59_700, _ => null };

    /// <summary><c>U</c>.</summary>
    public static IReadOnlyList<UniformRow> Uniform { get; } =
    [
        new(0, 86_156, 85_730, 3.21, 0.004),
        new(1, 81_344, 80_658, 3.38, 0.005),
        new(2, 77_109, 76_659, 3.49, 0.005),
        new(3, 73_888, 72_951, 3.54, 0.008),
        new(5, 68_303, 67_730, 3.67, 0.007),
        new(10, 58_610, 58_406, 3.77, 0.007),
        new(15, 52_475, 52_697, 3.83, 0.008),
        new(20, 48_461, 48_645, 3.83, 0.008),
        new(30, 42_989, 43_108, 3.81, 0.004),
        new(40, 39_404, 39_620, 3.84, 0.007),
        new(50, 36_895, 37_088, 3.84, 0.008),
        new(100, null, 30_934, 3.96, 0.010),
        new(150, null, 28_300, 4.10, 0.008),
        new(200, null, 26_783, 4.35, 0.013),
        new(300, null, 25_143, 4.75, 0.024),
        new(400, null, 24_262, 5.10, 0.032),
        new(500, null, 23_737, 5.35, 0.039),
    ];

    /// <summary><c>H</c>.</summary>
    public static IReadOnlyList<HeterogeneousRow> Heterogeneous { get; } =
    [
        new(0, 94_500, 93_942, 255_600, 2.889, 3.22, 0.003, 0.034),
        new(1, 89_966, 88_859, 255_506, 2.889, 3.49, 0.006, 0.045),
        new(2, 86_812, 84_893, 267_770, 2.889, 3.82, 0.010, 0.065),
        new(3, 83_445, 81_531, 254_678, 2.890, 4.16, 0.014, 0.086),
        new(5, 77_710, 75_973, 226_882, 2.892, 4.80, 0.032, 0.143),
        new(10, 68_284, 66_949, 201_253, 2.897, 5.83, 0.066, 0.235),
        new(15, 62_345, 61_955, 193_029, 2.902, 6.43, 0.090, 0.285),
        new(20, 58_457, 57_923, 190_255, 2.900, 6.81, 0.100, 0.316),
        new(30, null, 52_652, 165_678, 2.895, 7.25, 0.117, 0.355),
        new(40, null, 49_430, 164_023, 2.893, 7.52, 0.136, 0.381),
        new(50, null, 47_130, 158_400, 2.893, 7.76, 0.140, 0.398),
        new(100, null, 41_174, 150_307, 2.890, 8.38, 0.193, 0.447),
        new(150, null, 38_571, 143_439, 2.889, 8.63, 0.240, 0.472),
        new(200, null, 37_230, 140_904, 2.887, 8.73, 0.267, 0.482),
        new(300, null, 35_696, 138_822, 2.888, 8.88, 0.322, 0.498),
        new(400, null, 34_874, 135_695, 2.889, 8.95, 0.350, 0.504),
        new(500, null, 34_427, 135_553, 2.887, 8.98, 0.369, 0.514),
        new(600, null, 34_069, 133_746, 2.887, 9.03, 0.388, 0.517),
        new(700, null, 33_807, 135_184, 2.888, 9.02, 0.395, 0.512),
    ];

    /// <summary>The published file.</summary>
    public static IReadOnlyList<MeridianRow> Meridian { get; } =
    [
        new(0, 90_643, 3.29, 0.004, 0.034),
        new(1, 86_512, 3.59, 0.006, 0.050),
        new(2, 83_052, 3.96, 0.011, 0.072),
        new(3, 80_493, 4.33, 0.020, 0.101),
        new(5, 75_771, 4.95, 0.038, 0.156),
        new(10, 67_871, 6.06, 0.088, 0.241),
        new(20, 60_017, 6.95, 0.139, 0.317),
        new(30, 54_306, 7.33, 0.161, 0.349),
        new(50, 47_944, 7.63, 0.184, 0.376),
        new(75, 42_717, 7.76, 0.189, 0.384),
        new(100, 38_664, 7.87, 0.197, 0.396),
        new(150, 34_384, 8.00, 0.217, 0.412),
        new(200, 31_918, 8.10, 0.223, 0.414),
        new(300, 28_694, 8.19, 0.245, 0.432),
        new(500, 25_610, 8.29, 0.266, 0.439),
        new(900, 22_508, 8.39, 0.298, 0.446),
        new(1_000, 22_141, 8.41, 0.302, 0.455),
        new(1_500, 20_741, 8.48, 0.326, 0.459),
        new(2_000, 19_874, 8.51, 0.335, 0.465),
        new(2_999, 19_087, 8.56, 0.347, 0.464),
    ];
}
