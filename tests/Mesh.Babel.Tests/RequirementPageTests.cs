using System.Reflection;
using System.Text.RegularExpressions;

namespace Mesh.Babel.Tests;

/// <summary>The tables of requirements in <c>docs/protocols/babel.md</c> name tests that exist.</summary>
public sealed partial class RequirementPageTests
{
    private static readonly string[] Reasons = ["differs: ", "not ours: ", "not used: ", "by reading: "];

    private static readonly HashSet<string> Existing =
    [
        .. from type in typeof(RequirementPageTests).Assembly.GetTypes()
           from method in type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
           where method.GetCustomAttributes<FactAttribute>().Any()
           select $"{type.Name}.{method.Name}",
    ];

    [Fact]
    public void Every_test_that_the_page_names_exists()
    {
        string[] named = [.. TestName().Matches(Page()).Select(static match => match.Groups["test"].Value).Distinct(StringComparer.Ordinal)];
        Assert.True(named.Length > 80, $"only {named.Length} tests are named");
        Assert.Empty(named.Except(Existing, StringComparer.Ordinal));
    }

    [Fact]
    public void Every_requirement_has_a_test_or_a_reason()
    {
        int rows = 0;
        bool isRequirement = false;
        foreach (string line in Page().Split('\n'))
        {
            if (line.EndsWith("| Shown by |", StringComparison.Ordinal))
                isRequirement = true;
            else if (!line.StartsWith('|'))
                isRequirement = false;
            else if (isRequirement && !line.StartsWith("|---", StringComparison.Ordinal))
                Check(line, ++rows);
        }

        Assert.True(rows > 90, $"only {rows} requirements were found");
    }

    private static void Check(string line, int row)
    {
        string[] cells = line.Trim('|').Split(" | ");
        Assert.True(cells.Length == 4, $"row {row} has {cells.Length} cells: {line}");
        string shown = cells[3].Trim();
        string? reason = Array.Find(Reasons, reason => shown.Contains(reason, StringComparison.Ordinal));
        Assert.True(TestName().IsMatch(shown) || (reason is not null && shown.Length > reason.Length + 15), $"row {row} shows nothing: {line}");
    }

    private static string Page()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string path = Path.Combine(folder.FullName, "docs", "protocols", "babel.md");
            if (File.Exists(path))
                return File.ReadAllText(path).ReplaceLineEndings("\n");
        }

        throw new FileNotFoundException("docs/protocols/babel.md is in no folder above the tests.");
    }

    [GeneratedRegex(@"`(?<test>[A-Za-z0-9]+Tests\.[A-Z][A-Za-z0-9_]+)`", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex TestName();
}
