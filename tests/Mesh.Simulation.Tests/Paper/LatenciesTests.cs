using Mesh.Simulation.Paper;

namespace Mesh.Simulation.Tests.Paper;

public sealed class LatenciesTests
{
    // The reference gives these of both matrices at 2,500 nodes, so that anyone can see whether they have the same.
    [Fact]
    public void U_is_the_documented_matrix() => HasValues(LatencyFormula.Uniform(2500), 31_450, 129_674, 90_888, 236_806_868_827, 7_000, 260_610);

    [Fact]
    public void H_is_the_documented_matrix() => HasValues(LatencyFormula.Heterogeneous(2500), 80_477, 144_693, 96_103, 239_162_836_103, 1_004, 297_897);

    [Fact]
    public void H_has_another_factor_at_ten_thousand_nodes() => Assert.Equal(3_803_898_730_617, Sum(LatencyFormula.Heterogeneous(10_000)).Sum);

    [Fact]
    public void A_file_is_read_as_its_upper_triangle()
    {
        LatencyFile file = LatencyFile.Parse("1000 2000 99\n3000\t 100\r\n0\n\n");
        Assert.Equal(4, file.Nodes);
        Assert.Equal((1000, 2000, 3000, 100), (file.Microseconds(0, 1), file.Microseconds(2, 0), file.Microseconds(1, 2), file.Microseconds(3, 1)));
        Assert.Equal((0, 0, 0), (file.Microseconds(0, 3), file.Microseconds(2, 3), file.Microseconds(2, 2)));   // below 100, which is not known
        Assert.Equal((1000 + 2000 + 3000 + 100) / 4.0, file.DirectMean());
    }

    [Theory]
    [InlineData("", "m: the file is empty")]
    [InlineData("\n", "m:1: expected the times from the first node to each other one, found 0")]
    [InlineData("5000\n", "m:1: expected at least 3 nodes, found 2")]
    [InlineData("5000 x\n1", "m:1: expected a round-trip time in whole microseconds from 0 to 10000000, found 'x'")]
    [InlineData("5000 6000 7000\n1 2 3\n1", "m:2: expected at most 2 numbers, found more")]
    [InlineData("5000 6000 7000\n1\n1", "m:2: expected 2 numbers, one less than in the line before, found 1")]
    [InlineData("5000 6000 7000\n1 1.5\n1", "found '1.5'")]
    [InlineData("5000 6000 7000\n1 -1\n1", "found '-1'")]
    [InlineData("5000 6000 7000\n1 10000001\n1", "found '10000001'")]
    [InlineData("5000 6000 7000\n1 99999999999999999999999\n1", "found '99999999999999999999...'")]
    [InlineData("5000 6000 7000\n1 \u001b[2J\n1", "found '?[2J'")]
    [InlineData("5000 6000 7000\n1 1\n", "m:3: expected 3 lines, as the first has 3 numbers, found 2")]
    [InlineData("5000 6000\n1\n7 8", "m:3: expected the end of the file: the first line has 2 numbers, so there are 2 lines")]
    [InlineData("5000 6000\n\n7 8", "m:2: expected 1 numbers, one less than in the line before, found 0")]
    public void A_broken_file_is_named_with_line_and_what_was_expected(string text, string problem) =>
        Assert.Contains(Assert.Throws<LatencyFileException>(() => LatencyFile.Parse(text, "m")).Problems, one => one.Contains(problem, StringComparison.Ordinal));

    [Fact]
    public void All_broken_lines_are_named_at_once_but_not_thousands() =>
        Assert.Equal(10, Assert.Throws<LatencyFileException>(static () => LatencyFile.Parse(string.Join('\n', Enumerable.Repeat("5000 6000 7000 8000 9000 1000 2000 3000 4000 5000 1 2 3 4 x", 15).Prepend("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16")))).Problems.Count);

    [Fact]
    public void A_file_that_is_not_there_is_named() => Assert.Contains("/nowhere/king.txt", Assert.Throws<LatencyFileException>(static () => LatencyFile.Load("/nowhere/king.txt")).Message, StringComparison.Ordinal);

    private static void HasValues(LatencyFormula matrix, int first, int second, int third, long sum, int least, int most)
    {
        Assert.Equal((first, second, third), (matrix.Microseconds(0, 1), matrix.Microseconds(2, 0), matrix.Microseconds(1, 2)));
        Assert.Equal((sum, least, most), Sum(matrix));
        Assert.Equal(sum / (2500 * 2499 / 2.0), matrix.DirectMean(), 1e-6);
    }

    private static (long Sum, int Least, int Most) Sum(Latencies matrix)
    {
        long sum = 0;
        int least = int.MaxValue, most = 0;
        for (int i = 0; i < matrix.Nodes; i++)
        {
            for (int j = i + 1; j < matrix.Nodes; j++)
            {
                int time = matrix.Microseconds(i, j);
                sum += time;
                least = Math.Min(least, time);
                most = Math.Max(most, time);
            }
        }

        return (sum, least, most);
    }
}
