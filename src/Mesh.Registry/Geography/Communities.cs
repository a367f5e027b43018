using System.Diagnostics.CodeAnalysis;
using Mesh.Protocol.Addressing;

namespace Mesh.Registry.Geography;

/// <summary>Which part of the network nodes get their prefixes from, by the place where they are.</summary>
/// <remarks>
/// <code>
/// # BITS LOCATION...
/// 00  FR             a country
/// 01  @EU JP         a continent, and a country more
/// 10  * @NA          everybody else: exactly one community has it
/// </code>
/// A country counts more than a continent, an earlier line more than a later one. The form is that of registries of re6st (protocol reference section 3.6).
/// </remarks>
public sealed class Communities
{
    /// <summary>Lines that a file may have at most.</summary>
    public const int MaxLines = 10_000;

    private const char Comment = '#', Continent = '@';
    private const string Everybody = "*";

    private static readonly char[] Blanks = [' ', '\t', '\r'];

    private readonly Dictionary<string, NodePrefix> _byCountry = new(StringComparer.Ordinal);
    private readonly Dictionary<string, NodePrefix> _byContinent = new(StringComparer.Ordinal);
    private readonly SortedDictionary<NodePrefix, int> _lines = [];
    private NodePrefix? _default;

    private Communities()
    {
    }

    /// <summary>The communities in the order of their bits.</summary>
    public IReadOnlyCollection<NodePrefix> Prefixes => _lines.Keys;

    /// <summary>Reads a file of communities.</summary>
    /// <param name="text">The file.</param>
    /// <param name="network">The network that they are parts of.</param>
    /// <param name="communities">The communities, when there is nothing wrong.</param>
    /// <param name="problems">All that is wrong, a sentence with the line each.</param>
    public static bool TryParse(string text, NetworkPrefix network, [NotNullWhen(true)] out Communities? communities, out IReadOnlyList<string> problems)
    {
        ArgumentNullException.ThrowIfNull(text);
        var found = new List<string>();
        problems = found;
        communities = null;
        var read = new Communities();
        int number = 0;
        foreach (ReadOnlySpan<char> line in text.AsSpan().EnumerateLines())
        {
            if (++number > MaxLines)
            {
                found.Add($"there are more than {MaxLines} lines");
                return false;
            }

            int comment = line.IndexOf(Comment);
            string[] words = (comment < 0 ? line : line[..comment]).ToString().Split(Blanks, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length > 0)
                read.Add(number, words, network, found);
        }

        read.FindOverlaps(found);
        if (read._default is null && found.Count == 0)
            found.Add($"no community has the location {Everybody}, so there is none for nodes of which nobody knows where they are");
        if (found.Count > 0)
            return false;
        communities = read;
        return true;
    }

    /// <summary>The community of a node.</summary>
    /// <param name="location">Where it is, or null where that is not known.</param>
    public NodePrefix Choose(Country? location)
    {
        if (location is { } country)
        {
            if (_byCountry.TryGetValue(country.Code, out NodePrefix prefix) || _byContinent.TryGetValue(country.Continent, out prefix))
                return prefix;
        }

        return _default!.Value;
    }

    /// <summary>What stands against using these communities in a network that has nodes already: communities that lie in the prefix of a node, so that nothing can be given out from them.</summary>
    /// <remarks>Nodes inside a community are as it has to be, wherever they are: they joined through it, or before it was set up, and keep their prefixes.</remarks>
    /// <param name="allocated">The prefixes of the nodes.</param>
    /// <returns>A sentence each.</returns>
    public IEnumerable<string> ConflictsWith(IEnumerable<NodePrefix> allocated)
    {
        ArgumentNullException.ThrowIfNull(allocated);
        foreach (NodePrefix node in allocated)
        {
            foreach ((NodePrefix community, int line) in _lines)
            {
                if (node.Covers(community))
                    yield return $"line {line}: community {community.Bits} lies in {node.Bits}, which is the prefix of node {node.CommonName}";
            }
        }
    }

    private void Add(int line, string[] words, NetworkPrefix network, List<string> problems)
    {
        if (!NodePrefix.TryParseBits(words[0], out NodePrefix prefix) || prefix.Length >= network.HostBits)
        {
            problems.Add($"line {line}: '{Shortened(words[0])}' is not a community: it has to be 1 to {network.HostBits - 1} digits 0 and 1, so that network {network} has room for nodes in it");
            return;
        }

        if (!_lines.TryAdd(prefix, line))
            problems.Add($"line {line}: community {prefix.Bits} is in line {_lines[prefix]} already; write all its locations there");
        if (words.Length == 1)
            problems.Add($"line {line}: community {prefix.Bits} has no location");
        foreach (string word in words.Skip(1))
        {
            if (string.Equals(word, Everybody, StringComparison.Ordinal))
            {
                if (_default is not null)
                    problems.Add($"line {line}: the location {Everybody} may stand once only");
                _default ??= prefix;
            }
            else if (word[0] == Continent && Country.IsCode(word.AsSpan(1)))
            {
                _ = _byContinent.TryAdd(word[1..], prefix);
            }
            else if (Country.IsCode(word))
            {
                _ = _byCountry.TryAdd(word, prefix);
            }
            else
            {
                problems.Add($"line {line}: '{Shortened(word)}' is not a location: it has to be a country (FR), a continent (@EU) or {Everybody}");
            }
        }
    }

    // In the order of the bits those that a community covers follow it at once.
    private void FindOverlaps(List<string> problems)
    {
        NodePrefix? last = null;
        foreach ((NodePrefix prefix, int line) in _lines)
        {
            if (last is { } outer && outer.Covers(prefix))
                problems.Add($"line {line}: community {prefix.Bits} is a part of community {outer.Bits} of line {_lines[outer]}; communities must not overlap");
            else
                last = prefix;
        }
    }

    private static string Shortened(string word) => word.Length <= 40 ? word : word[..40] + "...";
}
