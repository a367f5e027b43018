using Mesh.Hocon.Syntax;

namespace Mesh.Hocon.Resolution;

/// <summary>Nodes to values: looks up substitutions, concatenates and merges. One instance resolves one document once.</summary>
/// <remarks>
/// Every node is resolved at most once (the specification asks for that, keyed by the occurrence of the substitution). While a
/// substitution, concatenation or append is being resolved, whoever refers to its field sees only the older values of that field. While
/// an object or array is being resolved as a whole, a reference to the whole of it is a cycle. Undefined is represented by null.
/// </remarks>
internal sealed class Resolver
{
    private readonly Node _root;
    private readonly HoconOptions _options;
    private readonly ResolveBudget _budget;
    private readonly Lookup _lookup;
    private readonly Dictionary<Node, HoconValue?> _resolved = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<Node> _resolving = new(ReferenceEqualityComparer.Instance);
    private readonly List<HoconException>? _failures;

    /// <summary>A resolver of one document.</summary>
    /// <param name="root">The document.</param>
    /// <param name="options">Environment and limits.</param>
    /// <param name="failures">Null to throw at the first failure; otherwise fields that fail are listed here once and left out.</param>
    public Resolver(Node root, HoconOptions options, List<HoconException>? failures = null)
    {
        (_root, _options, _failures) = (root, options, failures);
        _budget = new ResolveBudget(options);
        _lookup = new Lookup(root, _budget, node => (_resolved.TryGetValue(node, out HoconValue? value), value));
    }

    public HoconValue ResolveRoot() => Resolve(_root)!;

    /// <summary>The document without the fields that fail, or null if it exceeds a limit as a whole.</summary>
    public HoconValue? ResolveOrFail()
    {
        try
        {
            return Resolve(_root);
        }
        catch (HoconException failure)
        {
            _failures!.Add(failure);
            return null;
        }
    }

    private HoconValue? Resolve(Node node)
    {
        if (node is ValueNode literal)
            return literal.Value;
        if (_resolved.TryGetValue(node, out HoconValue? known))
            return known;
        if (!_resolving.Add(node))
        {
            _lookup.LookedBack = true;
            return null;
        }
        using ResolveBudget.Level level = _budget.Descend(node.Origin);
        _budget.Spend(1, node.Origin);
        try
        {
            HoconValue? value = node switch
            {
                ObjectNode tree => ResolveObject(tree),
                ArrayNode array => ResolveArray(array),
                SubstitutionNode substitution => ResolveSubstitution(substitution),
                ConcatenationNode concatenation => ResolveConcatenation(concatenation),
                AppendNode append => ResolveAppend(append),
                _ => throw new InvalidOperationException($"a {node.GetType().Name} is not a value"),
            };
            _resolved[node] = value is null ? null : _budget.Check(value);
            return value;
        }
        finally
        {
            _ = _resolving.Remove(node);
        }
    }

    private HoconObject ResolveObject(ObjectNode tree)
    {
        var fields = new List<HoconField>(tree.Count);
        long size = 0;
        foreach ((string key, FieldNode field) in tree.Fields)
        {
            if (ResolveField(field, out bool hidesBelow) is not { } value)
                continue;
            fields.Add(new HoconField(key, value, field.KeyOrigin) { HidesBelow = hidesBelow });
            _budget.CheckSize(size += value.Size, tree.Origin);
        }
        return new HoconObject(fields, tree.Origin);
    }

    private HoconValue? ResolveField(FieldNode field, out bool hidesBelow)
    {
        try
        {
            return ResolveStack(field.Values, field.Values.Count, out hidesBelow);
        }
        catch (HoconException failure) when (_failures is not null && !failure.IsLimit)
        {
            // One mistake is met once for each reference to it.
            if (!_failures.Exists(known => known.Origin == failure.Origin))
                _failures.Add(failure);
            hidesBelow = false;
            return null;
        }
    }

    private HoconArray ResolveArray(ArrayNode array)
    {
        var items = new List<HoconValue>(array.Items.Count);
        long size = 0;
        foreach (Node item in array.Items)
        {
            if (Resolve(item) is not { } value)
                continue;
            items.Add(value);
            _budget.CheckSize(size += value.Size, array.Origin);
        }
        return new HoconArray(items, array.Origin);
    }

    /// <summary>The value of a field that was given several values: the newest, merged with older ones as long as all are objects.</summary>
    /// <param name="stack">The values, oldest first.</param>
    /// <param name="count">How many of them exist for this reader.</param>
    /// <param name="hidesBelow">The merge ended at a non-object, so nothing older counts, wherever it is.</param>
    private HoconValue? ResolveStack(List<Node> stack, int count, out bool hidesBelow)
    {
        hidesBelow = false;
        for (int at = 0; at < count; at++)
        {
            if (stack[at] is not (ObjectNode or ArrayNode) && _resolving.Contains(stack[at]))
            {
                _lookup.LookedBack = true;
                count = at;
            }
        }
        HoconObject? merged = null;
        for (int at = count - 1; at >= 0; at--)
        {
            _budget.Spend(1, stack[at].Origin);
            // A reference from inside an object or array to the whole of it cannot be broken, even if there is an older value.
            if (stack[at] is ObjectNode or ArrayNode && _resolving.Contains(stack[at]))
            {
                _lookup.LookedBack = true;
                return null;
            }
            HoconValue? value = Resolve(stack[at]);
            if (value is null)
                continue;
            if (value is not HoconObject older)
            {
                hidesBelow = true;
                return merged ?? value;
            }
            merged = merged is null ? older : Merge(older, merged);
        }
        return merged;
    }

    private HoconObject Merge(HoconObject older, HoconObject newer)
    {
        _budget.Spend(older.Fields.Count + newer.Fields.Count, newer.Origin);
        var fields = new List<HoconField>(older.Fields.Count + newer.Fields.Count);
        foreach (HoconField field in older.Fields)
        {
            if (!newer.TryGet(field.Key, out HoconField? replacement))
                fields.Add(field);
            else if (field.Value is HoconObject lower && replacement is { Value: HoconObject upper, HidesBelow: false })
                fields.Add(replacement with { Value = Merge(lower, upper), HidesBelow = field.HidesBelow });
            else
                fields.Add(replacement with { HidesBelow = true });
        }
        fields.AddRange(newer.Fields.Where(field => !older.TryGet(field.Key, out _)));
        return _budget.Check(new HoconObject(fields, newer.Origin));
    }

    private HoconValue? ResolveSubstitution(SubstitutionNode substitution)
    {
        bool before = _lookup.LookedBack;
        _lookup.LookedBack = false;
        HoconValue? value = ResolvePath(substitution, substitution.Prefix.Append(substitution.Path));
        if (value is null && substitution.Prefix.Elements.Count > 0)
            value = ResolvePath(substitution, substitution.Path);
        value ??= FromEnvironment(substitution.Path);
        if (value is null && !substitution.IsOptional)
        {
            string why = _lookup.LookedBack ? "refers to itself without an earlier value" : "is not defined, neither in the configuration nor in the environment";
            throw new HoconException(substitution.Origin, $"${{{substitution.Path}}} {why}", "a defined path, or ${?...} if it may be missing");
        }
        _lookup.LookedBack |= before;
        return value;
    }

    private HoconValue? ResolvePath(SubstitutionNode substitution, HoconPath path)
    {
        List<Node> stack = _lookup.Find(substitution, path);
        return ResolveStack(stack, stack.Count, out _);
    }

    private HoconScalar? FromEnvironment(HoconPath path)
    {
        string name = string.Join('.', path.Elements);
        return _options.Environment.TryGetValue(name, out string? text) && text.Length > 0
            ? new HoconScalar(HoconKind.String, text, new HoconOrigin(HoconSource.Environment, name, 0, 0))
            : null;
    }

    private HoconValue? ResolveConcatenation(ConcatenationNode concatenation)
    {
        var pieces = new List<(Node Node, HoconValue? Value)>(concatenation.Pieces.Count);
        foreach (Node piece in concatenation.Pieces)
            pieces.Add((piece, piece is BlankNode ? null : Resolve(piece)));
        return Concatenation.Join(pieces, concatenation.Origin, Merge, _budget);
    }

    /// <summary>A run of appends to one key is resolved from its oldest to its newest in one go: a list may be written in ten thousand lines.</summary>
    private HoconArray ResolveAppend(AppendNode append)
    {
        IReadOnlyList<Node> found = append.Path is null ? append.Siblings : _lookup.Find(append.Path);
        List<Node> stack = found.Contains(append) ? [.. found] : [.. append.Siblings];
        int last = stack.IndexOf(append);
        int first = last;
        while (first > 0 && stack[first - 1] is AppendNode older && !_resolved.ContainsKey(older) && _resolving.Add(older))
            first--;
        try
        {
            return Append(stack, first, last);
        }
        finally
        {
            for (int at = first; at < last; at++)
                _ = _resolving.Remove(stack[at]);
        }
    }

    private HoconArray Append(List<Node> stack, int first, int last)
    {
        Node append = stack[last];
        HoconValue? start = ResolveStack(stack, first, out _);
        IReadOnlyList<HoconValue>? items = [];
        if (start is not null && !HoconConvert.TryToList(start, out items))
            throw new HoconException(append.Origin, $"+= appends to an array, but the earlier value of the key is {Concatenation.Name(start)}", "an array");
        var result = new List<HoconValue>(items);
        long size = start?.Size ?? 0;
        for (int at = first; at <= last; at++)
        {
            var current = (AppendNode)stack[at];
            if (Resolve(current.Element) is { } element)
            {
                result.Add(element);
                _budget.CheckSize(size += element.Size, append.Origin);
            }
            // From here on it is an older value for those that follow.
            if (at < last)
                _ = _resolving.Remove(current);
        }
        return new HoconArray(result, append.Origin);
    }
}
