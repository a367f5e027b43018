using System.Globalization;
using System.Text;

namespace Mesh.Hocon.Syntax;

/// <summary>A cursor over the text of one file that knows its line and column and the lexical rules of HOCON.</summary>
internal sealed class Scanner(string text, string file, HoconSource source)
{
    private int _at;
    private int _line = 1;
    private int _lineStart;

    public bool AtEnd => _at >= text.Length;

    /// <summary>The character under the cursor; NUL at the end, so test <see cref="AtEnd"/> where NUL would be accepted.</summary>
    public char Current => _at < text.Length ? text[_at] : '\0';

    public HoconOrigin Here => new(source, file, _line, _at - _lineStart + 1);

    public bool AtComment => Current == '#' || StartsWith("//");

    /// <summary>A character that can be part of an unquoted string. (A comment's // must be excluded by <see cref="AtComment"/>.)</summary>
    public bool AtUnquoted => !AtEnd && !IsForbidden(Current) && !IsWhitespace(Current) && !AtComment;

    public bool AtInlineBlank => !AtEnd && Current != '\n' && IsWhitespace(Current);

    public bool StartsWith(string expected) => string.CompareOrdinal(text, _at, expected, 0, expected.Length) == 0;

    /// <summary>Everything from the cursor on.</summary>
    public string Rest => text[_at..];

    public void Advance(int count = 1)
    {
        for (; count > 0 && _at < text.Length; count--)
        {
            if (text[_at++] == '\n')
            {
                _line++;
                _lineStart = _at;
            }
        }
    }

    /// <summary>Passes blanks, newlines and comments; true if a newline was among them.</summary>
    public bool SkipBlank()
    {
        bool newline = false;
        while (!AtEnd)
        {
            if (AtComment)
            {
                while (!AtEnd && Current != '\n')
                    _at++;
            }
            else if (IsWhitespace(Current))
            {
                newline |= Current == '\n';
                Advance();
            }
            else
            {
                break;
            }
        }
        return newline;
    }

    public string ReadInlineBlank()
    {
        int start = _at;
        while (AtInlineBlank)
            _at++;
        return text[start.._at];
    }

    /// <summary>An unquoted string, number, boolean or null; the caller tells them apart by the text.</summary>
    public string ReadUnquoted()
    {
        int start = _at;
        bool mayBeNumber = Current == '-' || char.IsAsciiDigit(Current);
        while (AtUnquoted || (mayBeNumber && AtExponentSign(start)))
            _at++;
        return text[start.._at];
    }

    /// <summary>A quoted or triple-quoted string; the cursor is on its first quote.</summary>
    public string ReadQuoted()
    {
        if (StartsWith("\"\"\""))
            return ReadTripleQuoted();
        HoconOrigin start = Here;
        _at++;
        var value = new StringBuilder();
        while (true)
        {
            if (AtEnd || Current == '\n')
                throw new HoconException(start, "this string is not closed on its line: expected '\"'", "'\"'");
            char c = Current;
            if (c < ' ')
                throw new HoconException(Here, $"control character U+{(int)c:X4} in a quoted string: expected an escape such as \\t or \\u{(int)c:x4}", "an escape");
            if (c == '"')
            {
                _at++;
                return value.ToString();
            }
            _ = value.Append(c == '\\' ? ReadEscape() : c);
            if (c != '\\')
                _at++;
        }
    }

    /// <summary>A second cursor at the same place, to look ahead with.</summary>
    public Scanner Fork() => new(text, file, source) { _at = _at, _line = _line, _lineStart = _lineStart };

    public HoconException Error(string rule, string? expected = null) => new(Here, rule, expected);

    /// <summary>The usual error: something else was expected here.</summary>
    public HoconException Unexpected(string expected)
    {
        string found = AtEnd ? "the end of the input" : Current switch
        {
            '\n' => "the end of the line",
            < ' ' => $"the character U+{(int)Current:X4}",
            _ when char.IsSurrogate(Current) => "a character outside the basic plane",
            _ => $"'{Current}'",
        };
        return new HoconException(Here, $"expected {expected}, found {found}", expected);
    }

    /// <summary>HOCON "Whitespace": the Unicode separators, the byte order mark and the listed control characters.</summary>
    private static bool IsWhitespace(char c) => c switch
    {
        ' ' or '\t' or '\n' or '\v' or '\f' or '\r' or '\uFEFF' => true,
        >= '\u001C' and <= '\u001F' => true,
        < '\u0080' => false,
        _ => char.GetUnicodeCategory(c) is UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator,
    };

    private static bool IsForbidden(char c)
        => c is '$' or '"' or '{' or '}' or '[' or ']' or ':' or '=' or ',' or '+' or '#' or '`' or '^' or '?' or '!' or '@' or '*' or '&' or '\\';

    // The plus of 1e+5 belongs to a number; everywhere else a plus is reserved.
    private bool AtExponentSign(int start)
        => Current == '+' && _at > start && text[_at - 1] is 'e' or 'E' && _at + 1 < text.Length && char.IsAsciiDigit(text[_at + 1]);

    private string ReadTripleQuoted()
    {
        HoconOrigin start = Here;
        int from = _at + 3;
        int end = from <= text.Length ? text.IndexOf("\"\"\"", from, StringComparison.Ordinal) : -1;
        if (end < 0)
            throw new HoconException(start, "this string is not closed: expected '\"\"\"'", "'\"\"\"'");
        // Any quotes beyond the last three belong to the string.
        while (end + 3 < text.Length && text[end + 3] == '"')
            end++;
        string value = text[from..end];
        Advance(end + 3 - _at);
        return value;
    }

    private char ReadEscape()
    {
        HoconOrigin start = Here;
        char letter = _at + 1 < text.Length ? text[_at + 1] : '\0';
        if (letter == 'u')
        {
            if (_at + 6 > text.Length || !ushort.TryParse(text.AsSpan(_at + 2, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort unit))
                throw new HoconException(start, "expected four hexadecimal digits after \\u", "four hexadecimal digits");
            _at += 6;
            return (char)unit;
        }
        _at += 2;
        return letter switch
        {
            '"' or '\\' or '/' => letter,
            'b' => '\b',
            'f' => '\f',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            _ => throw new HoconException(start, "unknown escape: expected one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u", "an escape of JSON"),
        };
    }
}
