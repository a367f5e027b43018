using System.Text;

namespace Mesh.Hocon.Syntax;

/// <summary>Text to nodes: recursive descent over one file, with included files parsed in place.</summary>
internal sealed class DocumentParser
{
    private readonly Scanner _scanner;
    private readonly string _file;
    private readonly HoconSource _source;
    private readonly ParseBudget _budget;

    /// <summary>Where this file is included; substitutions look there first.</summary>
    private readonly HoconPath _prefix;

    /// <summary>The keys and arrays that the cursor is in, from the root of the outermost file. Null for an array.</summary>
    private readonly List<string?> _path;
    private readonly string _text;

    public DocumentParser(string text, string file, HoconSource source, ParseBudget budget)
        : this(text, file, source, budget, [])
    {
    }

    private DocumentParser(string text, string file, HoconSource source, ParseBudget budget, List<string?> path)
    {
        (_text, _file, _source, _budget, _path) = (text, file, source, budget, path);
        _scanner = new Scanner(text, file, source);
        // No path leads into an array, so what is included there can only refer to the whole configuration.
        _prefix = AddressablePath() ?? new HoconPath();
    }

    public Node ParseRoot()
    {
        _budget.Enter(_file, _text.Length, _scanner.Here);
        _ = _scanner.SkipBlank();
        Node root;
        if (_scanner.Current == '[')
            root = ParseArray();
        else if (_scanner.Current == '{')
            root = ParseObject();
        else
            ParseFields((ObjectNode)(root = new ObjectNode(_scanner.Here)), isBraced: false);
        _ = _scanner.SkipBlank();
        if (!_scanner.AtEnd)
            throw _scanner.Unexpected("the end of the input");
        _budget.Leave();
        return root;
    }

    private ObjectNode ParseObject()
    {
        var result = new ObjectNode(_scanner.Here);
        _scanner.Advance();
        ParseFields(result, isBraced: true);
        return result;
    }

    private void ParseFields(ObjectNode target, bool isBraced)
    {
        string another = isBraced ? "a key or '}'" : "a key or the end of the input";
        while (true)
        {
            _ = _scanner.SkipBlank();
            if (_scanner.AtEnd && isBraced)
                throw _scanner.Unexpected(another);
            if (_scanner.AtEnd)
                return;
            if (_scanner.Current == '}' && isBraced)
            {
                _scanner.Advance();
                return;
            }
            if (_scanner.Current != '"' && !_scanner.AtUnquoted)
                throw _scanner.Unexpected(another);
            ParseField(target);
            ParseSeparator(isBraced ? '}' : null);
        }
    }

    /// <summary>Between two fields or elements: a newline, one comma, or the closing character.</summary>
    private void ParseSeparator(char? close)
    {
        bool newline = _scanner.SkipBlank();
        if (_scanner.Current == ',')
        {
            _scanner.Advance();
            _ = _scanner.SkipBlank();
            if (_scanner.Current == ',')
                throw _scanner.Unexpected(close == ']' ? "an element after the comma" : "a key after the comma");
        }
        else if (!newline && !_scanner.AtEnd && _scanner.Current != close)
        {
            throw _scanner.Unexpected(close is null ? "a comma or a new line" : $"a comma, a new line or '{close}'");
        }
    }

    private void ParseField(ObjectNode target)
    {
        HoconOrigin origin = _scanner.Here;
        if (AtInclude())
        {
            _scanner.Advance("include".Length);
            Include(target, IncludeStatement.Parse(_scanner, origin));
            return;
        }
        List<string> keys = PathParser.Parse(_scanner);
        _ = _scanner.SkipBlank();
        bool isAppend = _scanner.StartsWith("+=");
        if (isAppend)
            _scanner.Advance(2);
        else if (_scanner.Current is ':' or '=')
            _scanner.Advance();
        else if (_scanner.Current != '{')
            throw _scanner.Unexpected("':', '=', '+=' or '{' after the key");

        foreach (string key in keys)
            Enter(key, origin);
        _ = _scanner.SkipBlank();
        Node value = ParseValue();
        if (isAppend)
            value = new AppendNode(value, AddressablePath(), value.Origin);
        _path.RemoveRange(_path.Count - keys.Count, keys.Count);

        for (int at = 0; at < keys.Count - 1; at++)
            target = target.Descend(keys[at], origin);
        target.Add(keys[^1], value, origin);
    }

    private bool AtInclude() => _scanner.StartsWith("include") && _scanner.Fork().ReadUnquoted() == "include";

    private void Include(ObjectNode target, IncludeStatement include)
    {
        string located = _budget.Options.Loader.Locate(include.Name, _file);
        bool found = false;
        // A name without extension stands for the file itself, .json and .conf, later ones over earlier ones.
        string[] candidates = Path.HasExtension(located) ? [located] : [located, located + ".json", located + ".conf"];
        foreach (string candidate in candidates)
        {
            string? text = LoadIncluded(candidate, include.Origin);
            if (text is null)
                continue;
            found = true;
            Node root = new DocumentParser(text, candidate, _source, _budget, _path).ParseRoot();
            target.MergeFrom(root as ObjectNode
                ?? throw new HoconException(root.Origin, "an included file must contain an object, not an array", "an object"), adopt: true);
        }
        if (!found && include.IsRequired)
            throw new HoconException(include.Origin, $"the required file {HoconWriter.Quote(include.Name)} does not exist", "an existing file");
    }

    private string? LoadIncluded(string file, HoconOrigin origin)
    {
        try
        {
            string? text = _budget.Options.Loader.Load(file, _budget.Options.MaxInputLength);
            if (text is not null)
                _budget.CheckInclude(file, origin);
            return text;
        }
        catch (IOException failure)
        {
            throw new HoconException(origin, $"the included file cannot be read: {failure.Message}");
        }
    }

    private ArrayNode ParseArray()
    {
        HoconOrigin origin = _scanner.Here;
        Enter(null, origin);
        _scanner.Advance();
        var items = new List<Node>();
        while (true)
        {
            _ = _scanner.SkipBlank();
            if (_scanner.AtEnd)
                throw _scanner.Unexpected("an element or ']'");
            if (_scanner.Current == ']')
                break;
            items.Add(ParseValue());
            ParseSeparator(']');
        }
        _scanner.Advance();
        _path.RemoveAt(_path.Count - 1);
        return new ArrayNode(items, origin);
    }

    /// <summary>One value or a concatenation: everything up to the end of the line, a comma, a closing character or a comment.</summary>
    private Node ParseValue()
    {
        HoconOrigin origin = _scanner.Here;
        var pieces = new List<Node>();
        while (ParsePiece() is { } piece)
        {
            pieces.Add(piece);
            HoconOrigin blankOrigin = _scanner.Here;
            if (_scanner.AtInlineBlank)
            {
                string blank = _scanner.ReadInlineBlank();
                if (!AtValueEnd())
                    pieces.Add(new BlankNode(blank, blankOrigin));
            }
        }
        if (pieces.Count == 0)
            throw _scanner.Unexpected("a value");
        if (pieces.Count == 1)
            return pieces[0];
        return TryJoin(pieces, origin) ?? (Node)new ConcatenationNode(pieces, origin);
    }

    private bool AtValueEnd() => _scanner.AtEnd || _scanner.Current is '\n' or ',' or '}' or ']' || _scanner.AtComment;

    private Node? ParsePiece()
    {
        HoconOrigin origin = _scanner.Here;
        if (AtValueEnd())
            return null;
        if (_scanner.Current == '{')
        {
            // The field's keys are counted where they are entered; this counts braces inside arrays and concatenations.
            CheckDepth(_path.Count + 1, origin);
            return ParseObject();
        }
        if (_scanner.Current == '[')
            return ParseArray();
        if (_scanner.Current == '"')
            return new ValueNode(new HoconScalar(HoconKind.String, _scanner.ReadQuoted(), origin));
        if (_scanner.StartsWith("${"))
            return ParseSubstitution();
        if (!_scanner.AtUnquoted)
            throw _scanner.Unexpected("a value (this character is reserved; quote the string if it is meant)");
        string text = _scanner.ReadUnquoted();
        return new ValueNode(new HoconScalar(KindOf(text), text, origin));
    }

    private SubstitutionNode ParseSubstitution()
    {
        HoconOrigin origin = _scanner.Here;
        _scanner.Advance(2);
        bool isOptional = _scanner.Current == '?';
        if (isOptional)
            _scanner.Advance();
        _ = _scanner.ReadInlineBlank();
        List<string> path = PathParser.Parse(_scanner);
        CheckDepth(path.Count, origin);
        if (_scanner.Current != '}')
            throw _scanner.Unexpected("'}' at the end of the substitution");
        _scanner.Advance();
        return new SubstitutionNode(new HoconPath(path), _prefix, isOptional, origin);
    }

    private static HoconKind KindOf(string text) => text switch
    {
        "true" or "false" => HoconKind.Boolean,
        "null" => HoconKind.Null,
        _ => HoconConvert.IsNumber(text) ? HoconKind.Number : HoconKind.String,
    };

    /// <summary>A concatenation of literals is a string now; one with a substitution, object or array has to wait.</summary>
    private static ValueNode? TryJoin(List<Node> pieces, HoconOrigin origin)
    {
        var text = new StringBuilder();
        foreach (Node piece in pieces)
        {
            string? part = piece switch
            {
                ValueNode { Value: HoconScalar scalar } => scalar.Text,
                BlankNode blank => blank.Text,
                _ => null,
            };
            if (part is null)
                return null;
            _ = text.Append(part);
        }
        return new ValueNode(new HoconScalar(HoconKind.String, text.ToString(), origin));
    }

    private HoconPath? AddressablePath() => _path.Contains(null) ? null : new HoconPath([.. _path.Select(key => key!)]);

    private void Enter(string? key, HoconOrigin origin)
    {
        _path.Add(key);
        CheckDepth(_path.Count, origin);
    }

    private void CheckDepth(int depth, HoconOrigin origin)
    {
        if (depth >= _budget.Options.MaxDepth)
            throw new HoconException(origin, $"objects and arrays nest deeper than the limit of {_budget.Options.MaxDepth}");
    }
}
