using Mesh.Hocon.Syntax;

namespace Mesh.Hocon.Schema;

/// <summary>Where the values of a configuration come from, from the weakest to the strongest: defaults, files, environment, command line.</summary>
/// <remarks>
/// <para>An environment variable names a key so: after the prefix, two underscores separate sections, one underscore is a hyphen, and
/// letters become small. <c>MESH_NODE__TUNNELS__CLIENT_COUNT</c> is <c>node.tunnels.client-count</c>. An empty variable counts as absent.</para>
/// <para>Values from the environment and the command line are taken as they are, without HOCON syntax; lists are separated by commas.</para>
/// </remarks>
public sealed record ConfigSources
{
    /// <summary>Files, the later over the earlier. Each must exist.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];

    /// <summary>The loader of files and includes, and the limits. Its environment is not used: <see cref="Environment"/> is.</summary>
    public HoconOptions Options { get; init; } = HoconOptions.Default with { Loader = FileHoconLoader.Instance };

    /// <summary>The environment, for keys and for substitutions.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>What the names of variables for keys begin with.</summary>
    public string EnvironmentPrefix { get; init; } = "MESH_";

    /// <summary>Variables that begin with the prefix and are no keys, such as one that says where the file is.</summary>
    public IReadOnlyCollection<string> IgnoredVariables { get; init; } = [];

    /// <summary>Arguments of <c>--set</c>: <c>path=value</c> each, the later over the earlier.</summary>
    public IReadOnlyList<string> Sets { get; init; } = [];

    /// <summary>The name of the environment variable for a key.</summary>
    public string VariableOf(ConfigKey key)
        => EnvironmentPrefix + string.Join("__", key.Path.Elements.Select(element => element.Replace('-', '_').ToUpperInvariant()));

    /// <summary>Parses all sources, weakest first; a source that does not parse is a problem and left out.</summary>
    internal IEnumerable<HoconDocument> Parse(List<ConfigProblem> problems)
    {
        foreach (string file in Files)
        {
            HoconDocument? document = null;
            try
            {
                document = HoconDocument.Load(file, Options);
                if (document.Root is not ObjectNode)
                    throw new HoconException(document.Root.Origin, "a configuration file must contain an object, not an array", "an object");
            }
            catch (HoconException failure)
            {
                problems.Add(ConfigProblem.At(failure.Origin, string.Empty, ConfigProblem.Syntax, failure.Rule));
                continue;
            }
            yield return document;
        }
        yield return ParseEnvironment(problems);
        yield return ParseSets(problems);
    }

    private HoconDocument ParseEnvironment(List<ConfigProblem> problems)
    {
        var root = new ObjectNode(new HoconOrigin(HoconSource.Environment, EnvironmentPrefix, 0, 0));
        foreach ((string name, string value) in Environment.OrderBy(variable => variable.Key, StringComparer.Ordinal))
        {
            if (!name.StartsWith(EnvironmentPrefix, StringComparison.Ordinal) || value.Length == 0 || IgnoredVariables.Contains(name, StringComparer.Ordinal))
                continue;
            var origin = new HoconOrigin(HoconSource.Environment, name, 0, 0);
            List<string> path = [.. name[EnvironmentPrefix.Length..].Split("__").Select(part => part.Replace('_', '-').ToLowerInvariant())];
            if (path.Exists(string.IsNullOrEmpty) || path.Count >= Options.MaxDepth)
                problems.Add(ConfigProblem.At(origin, string.Empty, ConfigProblem.UnknownKey, $"expected a key after {EnvironmentPrefix}, as in {EnvironmentPrefix}SECTION__KEY"));
            else
                Put(root, path, value, origin);
        }
        return new HoconDocument(root);
    }

    private HoconDocument ParseSets(List<ConfigProblem> problems)
    {
        var origin = new HoconOrigin(HoconSource.CommandLine, "--set", 0, 0);
        var root = new ObjectNode(origin);
        for (int at = 0; at < Sets.Count; at++)
        {
            try
            {
                var scanner = new Scanner(Sets[at], "--set", HoconSource.CommandLine);
                List<string> path = PathParser.Parse(scanner);
                if (scanner.Current != '=' || path.Count >= Options.MaxDepth)
                    throw scanner.Unexpected("'='");
                scanner.Advance();
                Put(root, path, scanner.Rest, origin);
            }
            catch (HoconException)
            {
                // The argument is not repeated: it may be a secret that lost its key.
                problems.Add(ConfigProblem.At(origin, string.Empty, ConfigProblem.Syntax, $"--set number {at + 1}: expected path=value"));
            }
        }
        return new HoconDocument(root);
    }

    private static void Put(ObjectNode root, List<string> path, string value, HoconOrigin origin)
    {
        ObjectNode target = root;
        foreach (string key in path.SkipLast(1))
            target = target.Descend(key, origin);
        target.Add(path[^1], new ValueNode(new HoconScalar(HoconKind.String, value, origin)), origin);
    }
}
