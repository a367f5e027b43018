using System.Text.Json;

namespace Mesh.Registry.Tests;

/// <summary>Test vectors made by running re6st, protocol 10, with fixed keys, secrets and time.</summary>
internal static class Vectors
{
    public static JsonElement Load(string name)
    {
        string path = Path.Combine(AppContext.BaseDirectory, "vectors", name);
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
        return document.RootElement.Clone();
    }

    public static string Text(this JsonElement element, string name) =>
        element.GetProperty(name).GetString() ?? throw new InvalidDataException($"{name} is null.");
}
