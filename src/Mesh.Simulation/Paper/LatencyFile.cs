using System.Globalization;
using System.Text;

namespace Mesh.Simulation.Paper;

/// <summary>A file of round-trip times cannot be used.</summary>
/// <param name="problems">One sentence each: file, line, and what was expected.</param>
public sealed class LatencyFileException(IReadOnlyList<string> problems) : Exception(string.Join(Environment.NewLine, problems))
{
    /// <summary>What is wrong, the first of it where there is much.</summary>
    public IReadOnlyList<string> Problems => problems;
}

/// <summary>Measured round-trip times: a text file with the upper triangle of the matrix.</summary>
/// <remarks>
/// Line i, counted from 0, has the times from node i to nodes i+1, i+2 and so on, whole microseconds with blanks or tabs in between; so the first line has n-1 numbers and the last one. Values below
/// <see cref="LeastKnown"/> mean that the time is not known, as in the experiments with the Meridian data set (re6st's simulation, cb13b00, section 6), and no tunnel is opened there.
/// </remarks>
public sealed class LatencyFile : Latencies
{
    /// <summary>Smaller values are taken for failed measurements, in microseconds.</summary>
    public const int LeastKnown = 100;

    /// <summary>The largest value, in microseconds.</summary>
    public const int Largest = 10_000_000;

    /// <summary>The most nodes.</summary>
    public const int MaxNodes = 10_000;

    private const int MaxProblems = 10;
    private const int LongestShown = 20;

    private readonly int[][] _rows;

    private LatencyFile(string name, int[][] rows)
        : base(name, rows.Length + 1) => _rows = rows;

    /// <inheritdoc/>
    public override int Microseconds(int one, int other) => one == other ? 0 : one < other ? _rows[one][other - one - 1] : _rows[other][one - other - 1];

    /// <summary>Reads a file.</summary>
    /// <exception cref="LatencyFileException">It cannot be used.</exception>
    public static LatencyFile Load(string path)
    {
        try
        {
            using StreamReader reader = File.OpenText(path);
            return Read(reader, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LatencyFileException([$"{path}: {e.Message}"]);
        }
    }

    /// <summary>Reads a text.</summary>
    /// <exception cref="LatencyFileException">It cannot be used.</exception>
    public static LatencyFile Parse(string text, string name = "matrix")
    {
        using var reader = new StringReader(text);
        return Read(reader, name);
    }

    private static LatencyFile Read(TextReader reader, string name)
    {
        var rows = new List<int[]>();
        var problems = new List<string>();
        int nodes = 0, number = 0;
        for (; problems.Count < MaxProblems && reader.ReadLine() is { } line; number++)
        {
            if (string.IsNullOrWhiteSpace(line) && number == nodes - 1)
                continue;   // an empty line at the end
            int before = problems.Count;
            int expected = number == 0 ? MaxNodes - 1 : nodes - 1 - number;
            if (expected <= 0)
            {
                problems.Add($"{name}:{number + 1}: expected the end of the file: the first line has {nodes - 1} numbers, so there are {nodes - 1} lines");
                break;
            }

            int[] row = ReadRow(line, expected, $"{name}:{number + 1}", problems);
            if (number == 0)
                nodes = row.Length + 1;
            if (problems.Count == before && (row.Length == 0 || (number > 0 && row.Length != expected)))
                problems.Add($"{name}:{number + 1}: expected {(number == 0 ? "the times from the first node to each other one" : $"{expected} numbers, one less than in the line before")}, found {row.Length}");
            if (number == 0 && problems.Count > 0)
                break;   // how long the others should be is not known
            rows.Add(row);
        }

        if (problems.Count == 0 && rows.Count < Math.Max(1, nodes - 1))
            problems.Add(rows.Count == 0 ? $"{name}: the file is empty; expected the upper triangle of a matrix" : $"{name}:{number + 1}: expected {nodes - 1} lines, as the first has {nodes - 1} numbers, found {rows.Count}");
        if (problems.Count == 0 && nodes < 3)
            problems.Add($"{name}:1: expected at least 3 nodes, found {nodes}");
        return problems.Count == 0 ? new LatencyFile(name, [.. rows]) : throw new LatencyFileException(problems);
    }

    // A value that is wrong is 0, so that the count of values can be looked at, too.
    private static int[] ReadRow(string line, int most, string place, List<string> problems)
    {
        var row = new List<int>();
        foreach (Range range in line.AsSpan().SplitAny(' ', '\t', '\r'))
        {
            ReadOnlySpan<char> word = line.AsSpan(range);
            if (word.IsEmpty)
                continue;
            if (row.Count == most)
            {
                problems.Add($"{place}: expected at most {most} numbers, found more");
                break;
            }

            if (!int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out int value) || value > Largest)
            {
                problems.Add($"{place}: expected a round-trip time in whole microseconds from 0 to {Largest}, found '{Shown(word)}'");
                break;
            }

            row.Add(value < LeastKnown ? 0 : value);
        }

        return [.. row];
    }

    // Short, and nothing that means something to a terminal.
    private static string Shown(ReadOnlySpan<char> word)
    {
        var text = new StringBuilder();
        foreach (char c in word[..Math.Min(word.Length, LongestShown)])
            text.Append(char.IsControl(c) ? '?' : c);
        return word.Length > LongestShown ? $"{text}..." : text.ToString();
    }
}
