using System.Text;

namespace Mesh.Hocon.Syntax;

/// <summary>Reads path expressions: as keys, in substitutions and on their own.</summary>
internal static class PathParser
{
    /// <summary>Reads from the cursor up to the first character that cannot be part of a path. Blanks around the path are not part of it.</summary>
    public static List<string> Parse(Scanner scanner)
    {
        var elements = new List<string>();
        var element = new StringBuilder();
        bool isQuoted = false;
        bool any = false;
        while (true)
        {
            if (scanner.Current == '"')
            {
                _ = element.Append(scanner.ReadQuoted());
                isQuoted = true;
            }
            else if (scanner.AtUnquoted)
            {
                if (scanner.Current != '.')
                {
                    _ = element.Append(scanner.Current);
                }
                else
                {
                    CloseElement(scanner, elements, element, isQuoted);
                    isQuoted = false;
                }
                scanner.Advance();
            }
            else if (any && scanner.AtInlineBlank)
            {
                string blank = scanner.ReadInlineBlank();
                if (scanner.Current != '"' && !scanner.AtUnquoted)
                    break;
                _ = element.Append(blank);
            }
            else
            {
                break;
            }
            any = true;
        }
        if (!any)
            throw scanner.Unexpected("a key");
        CloseElement(scanner, elements, element, isQuoted);
        return elements;
    }

    private static void CloseElement(Scanner scanner, List<string> elements, StringBuilder element, bool isQuoted)
    {
        if (element.Length == 0 && !isQuoted)
            throw scanner.Error("a path has an empty element: expected a key before and after each '.', or \"\" for an empty key", "a key");
        elements.Add(element.ToString());
        _ = element.Clear();
    }
}
