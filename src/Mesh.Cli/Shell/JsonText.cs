using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mesh.Cli.Shell;

/// <summary>JSON as the commands write and read it: camel case, names of enums in lower case with hyphens, null for what is not known.</summary>
internal static class JsonText
{
    /// <summary>The options of <see cref="Line"/> and <see cref="Read"/>.</summary>
    public static JsonSerializerOptions Options { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        // Results go to terminals and files, never into a page.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower) },
    };

    private static readonly JsonSerializerOptions ManyLines = new(Options) { WriteIndented = true };

    /// <summary>The name of a value of an enum, as <see cref="Options"/> write it.</summary>
    public static string Name<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.KebabCaseLower.ConvertName(value.ToString());

    /// <summary>A value on one line.</summary>
    public static string Line<T>(T value) => JsonSerializer.Serialize(value, Options);

    /// <summary>A value for people and files.</summary>
    public static string Text<T>(T value) => JsonSerializer.Serialize(value, ManyLines);

    /// <summary>Reads what another process wrote.</summary>
    /// <exception cref="JsonException">It is no such value.</exception>
    // As UTF-8, for of a text with half a surrogate pair the framework says something else than that it is no JSON.
    public static T Read<T>(string text) => JsonSerializer.Deserialize<T>(Encoding.UTF8.GetBytes(text), Options) ?? throw new JsonException("null");
}
