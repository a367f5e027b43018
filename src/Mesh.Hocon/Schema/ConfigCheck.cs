using Mesh.Hocon.Resolution;

namespace Mesh.Hocon.Schema;

/// <summary>One pass over a merged configuration: unknown keys, then every key's value, then the rules between keys.</summary>
internal sealed class ConfigCheck(ConfigSchema schema, Redactor redactor, List<ConfigProblem> problems)
{
    private readonly HashSet<ConfigKey> _broken = [];

    public ConfigResult Run(HoconDocument merged, ConfigSources sources)
    {
        var failures = new List<HoconException>();
        HoconOptions options = sources.Options with { Environment = sources.Environment };
        var root = (HoconObject?)new Resolver(merged.Root, options, failures).ResolveOrFail();
        problems.AddRange(failures.Select(failure => ConfigProblem.At(failure.Origin, string.Empty, ConfigProblem.Syntax, failure.Rule)));
        // Where a part of the configuration could not be read, nothing can be said to be missing.
        bool isComplete = problems.TrueForAll(problem => problem.Rule != ConfigProblem.Syntax);
        root ??= new HoconObject([], merged.Root.Origin);

        foreach (ConfigKey key in schema.Keys.Where(key => key.Secret))
        {
            if (root.Find(key.Path) is { } secret)
                redactor.Learn(secret);
        }
        CheckNames(root, []);
        var values = new Dictionary<ConfigKey, ConfigValue>();
        foreach (ConfigKey key in schema.Keys)
            values.Add(key, Read(key, root.Find(key.Path), isComplete));
        var config = new ResolvedConfig(schema, values, redactor);
        if (isComplete)
            CheckRules(config);
        return new ConfigResult(config, problems);
    }

    private void CheckNames(HoconObject tree, List<string> parents)
    {
        foreach (HoconField field in tree.Fields)
        {
            List<string> elements = [.. parents, field.Key];
            string path = new HoconPath(elements).ToString();
            if (schema.IsFree(path) || schema.Find(path) is not null)
                continue;
            if (!schema.IsSection(path))
                ReportUnknown(path, field.KeyOrigin);
            else if (field.Value is HoconObject section)
                CheckNames(section, elements);
            else
                Report(field.Value.Origin, path, ConfigProblem.Type, $"expected a section with keys, found {Show(field.Value, isSecret: HoldsSecret(path))}");
        }
    }

    private bool HoldsSecret(string section)
        => schema.Keys.Any(key => key.Secret && key.Path.ToString().StartsWith(section + ".", StringComparison.Ordinal));

    private void ReportUnknown(string path, HoconOrigin origin)
    {
        string hint = NearMiss.Find(path, schema.KnownPaths) is { } near ? $"; did you mean {near}?" : string.Empty;
        Report(origin, redactor.Clean(path), ConfigProblem.UnknownKey, "there is no such key" + hint);
    }

    private ConfigValue Read(ConfigKey key, HoconValue? value, bool isComplete)
    {
        HoconOrigin origin = value?.Origin ?? new HoconOrigin(HoconSource.Default, "reference.conf", 0, 0);
        var fallback = new ConfigValue(key.DefaultValue, new HoconOrigin(HoconSource.Default, "reference.conf", 0, 0));
        if (value is null or HoconScalar { Kind: HoconKind.Null } && key.DefaultText is null)
        {
            if (!key.Required)
                return fallback with { Origin = origin };
            _ = _broken.Add(key);
            if (origin.Source != HoconSource.Default)
                Report(origin, key.ToString(), ConfigProblem.Required, $"this key is required: expected {key.TypeName}, found null");
            else if (isComplete)
                problems.Add(new ConfigProblem(string.Empty, 0, 0, key.ToString(), ConfigProblem.Required, $"this key is required: expected {key.TypeName}"));
            return fallback;
        }
        if (value is null)
            return fallback;
        object? read = key.Read(value, out string? broken);
        if (broken is null)
            return new ConfigValue(read, origin);
        _ = _broken.Add(key);
        bool isType = string.Equals(broken, key.TypeName, StringComparison.Ordinal);
        Report(origin, key.ToString(), isType ? ConfigProblem.Type : ConfigProblem.Range, $"expected {broken}, found {Show(value, key.Secret)}");
        return fallback;
    }

    private void CheckRules(ResolvedConfig config)
    {
        foreach (ConfigRule rule in schema.Rules)
        {
            if (rule.Keys.Any(_broken.Contains) || rule.Holds(config))
                continue;
            ConfigKey first = rule.Keys[0];
            Report(config.OriginOf(first), first.ToString(), rule.Name, rule.Message);
        }
    }

    private void Report(HoconOrigin origin, string key, string rule, string message) => problems.Add(ConfigProblem.At(origin, key, rule, message));

    private string Show(HoconValue value, bool isSecret)
    {
        if (value is not HoconScalar scalar)
            return Concatenation.Name(value);
        if (scalar.Kind == HoconKind.Null)
            return "null";
        string text = isSecret ? Redactor.Mask : redactor.Clean(scalar.Text);
        return scalar.Kind == HoconKind.String && text != Redactor.Mask ? HoconWriter.Quote(text) : text;
    }
}
