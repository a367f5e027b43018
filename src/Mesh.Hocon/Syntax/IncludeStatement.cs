namespace Mesh.Hocon.Syntax;

/// <summary>An include statement: <c>include "x"</c>, <c>include file("x")</c>, <c>include required("x")</c>, <c>include required(file("x"))</c>.</summary>
internal readonly record struct IncludeStatement(string Name, bool IsRequired, HoconOrigin Origin)
{
    private const string Expected = "a quoted file name, file(\"...\") or required(...)";

    /// <summary>Reads what follows the word.</summary>
    public static IncludeStatement Parse(Scanner scanner, HoconOrigin origin)
    {
        _ = scanner.SkipBlank();
        bool isRequired = TryOpen(scanner, "required");
        bool isFile = TryOpen(scanner, "file");
        if (scanner.StartsWith("url(") || scanner.StartsWith("classpath("))
            throw scanner.Error("only files can be included, not url() or classpath()", Expected);
        if (scanner.Current != '"')
            throw scanner.Unexpected(Expected + " after include");
        HoconOrigin nameOrigin = scanner.Here;
        string name = scanner.ReadQuoted();
        if (name.Length == 0)
            throw new HoconException(nameOrigin, "expected a file name, found an empty string", Expected);
        if (!isFile && name.Contains("://", StringComparison.Ordinal))
            throw new HoconException(nameOrigin, "only files can be included, not URLs", Expected);
        for (int open = (isRequired ? 1 : 0) + (isFile ? 1 : 0); open > 0; open--)
        {
            _ = scanner.SkipBlank();
            if (scanner.Current != ')')
                throw scanner.Unexpected("')'");
            scanner.Advance();
        }
        return new IncludeStatement(name, isRequired, origin);
    }

    private static bool TryOpen(Scanner scanner, string word)
    {
        if (!scanner.StartsWith(word + "("))
            return false;
        scanner.Advance(word.Length + 1);
        _ = scanner.SkipBlank();
        return true;
    }
}
