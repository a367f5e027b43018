using System.Text.Json;

namespace Mesh.Fuzz.Tests.Corpus;

/// <summary>The vectors and samples that the other test projects and the product have.</summary>
internal static class Files
{
    private static string Root => Path.Combine(AppContext.BaseDirectory, "corpus");

    public static JsonElement Json(string name)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Root, name)));
        return document.RootElement.Clone();
    }

    /// <summary>The texts of all files of a folder that match, in the order of their names.</summary>
    public static IEnumerable<string> Texts(string folder, string pattern) => Paths(folder, pattern).Select(File.ReadAllText);

    /// <summary>The octets of all files of a folder that match, in the order of their names.</summary>
    public static IEnumerable<byte[]> Octets(string folder, string pattern) => Paths(folder, pattern).Select(File.ReadAllBytes);

    /// <summary>All values of a name in a document, wherever they stand.</summary>
    public static IEnumerable<string> Values(JsonElement element, string name) => element.ValueKind switch
    {
        JsonValueKind.Array => element.EnumerateArray().SelectMany(item => Values(item, name)),
        JsonValueKind.Object => element.EnumerateObject().SelectMany(property =>
            property.Name == name && property.Value.ValueKind == JsonValueKind.String ? [property.Value.GetString()!] : Values(property.Value, name)),
        _ => [],
    };

    /// <summary>The same for values that are hexadecimal.</summary>
    public static IEnumerable<byte[]> HexValues(JsonElement element, string name) => Values(element, name).Select(Convert.FromHexString);

    private static IEnumerable<string> Paths(string folder, string pattern) =>
        Directory.EnumerateFiles(Path.Combine(Root, folder), pattern).Order(StringComparer.Ordinal);
}
