namespace Mesh.Hocon.Schema;

/// <summary>All keys of a program, and the rules between them.</summary>
public sealed class ConfigSchema
{
    private readonly Dictionary<string, ConfigKey> _byPath = new(StringComparer.Ordinal);
    private readonly HashSet<string> _sections = new(StringComparer.Ordinal);
    private readonly HashSet<string> _freeSections;

    /// <summary>A schema.</summary>
    /// <param name="keys">All keys, in the order in which the reference lists them.</param>
    /// <param name="rules">Rules over several keys.</param>
    /// <param name="freeSections">Paths below which anything may stand, for values that are only there to be substituted.</param>
    /// <exception cref="ArgumentException">A key stands twice or is a section too: a mistake in the program.</exception>
    public ConfigSchema(IReadOnlyList<ConfigKey> keys, IReadOnlyList<ConfigRule>? rules = null, IReadOnlyList<string>? freeSections = null)
    {
        (Keys, Rules) = (keys, rules ?? []);
        _freeSections = new HashSet<string>(freeSections ?? [], StringComparer.Ordinal);
        foreach (ConfigKey key in keys)
        {
            if (!_byPath.TryAdd(key.Path.ToString(), key))
                throw new ArgumentException($"the key {key} stands twice", nameof(keys));
            for (int count = 1; count < key.Path.Elements.Count; count++)
                _ = _sections.Add(new HoconPath([.. key.Path.Elements.Take(count)]).ToString());
        }
        if (keys.FirstOrDefault(key => _sections.Contains(key.Path.ToString())) is { } both)
            throw new ArgumentException($"{both} is a key and a section", nameof(keys));
    }

    /// <summary>All keys, in the order of the reference.</summary>
    public IReadOnlyList<ConfigKey> Keys { get; }

    /// <summary>The rules over several keys.</summary>
    public IReadOnlyList<ConfigRule> Rules { get; }

    /// <summary>Reads and merges all sources, checks everything, and reports all problems at once.</summary>
    public ConfigResult Resolve(ConfigSources sources)
    {
        var problems = new List<ConfigProblem>();
        var redactor = new Redactor();
        HoconDocument merged = HoconDocument.Parse(ReferenceWriter.Write(this), "reference.conf", HoconSource.Default, HoconOptions.Default);
        foreach (HoconDocument document in sources.Parse(problems))
        {
            foreach (ConfigKey secret in Keys.Where(key => key.Secret))
                redactor.Learn(document.Root, secret.Path);
            merged = document.WithFallback(merged);
        }
        var check = new ConfigCheck(this, redactor, problems);
        return check.Run(merged, sources);
    }

    internal ConfigKey? Find(string path) => _byPath.GetValueOrDefault(path);

    internal bool IsSection(string path) => _sections.Contains(path);

    internal bool IsFree(string path) => _freeSections.Contains(path);

    internal IEnumerable<string> KnownPaths => _byPath.Keys.Concat(_sections);
}

/// <summary>A configuration and everything that is wrong with it.</summary>
/// <param name="Config">The values. A key with a problem has its default here, or is unset.</param>
/// <param name="Problems">All problems; the configuration may be used only if there is none.</param>
public sealed record ConfigResult(ResolvedConfig Config, IReadOnlyList<ConfigProblem> Problems);
