using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Mesh.Protocol.Addressing;
using Names = Mesh.Protocol.Registry.NetworkParameterNames;

namespace Mesh.Protocol.Registry;

/// <summary>The JSON object of <see cref="NetworkParameters"/>.</summary>
internal static class NetworkParametersJson
{
    private const int MaxSeconds = 366 * 86_400;
    private const double MaxUnixSeconds = 253_402_300_799;

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 16, AllowDuplicateProperties = false };

    /// <summary>Readers of the values, by name. A name without one is unknown.</summary>
    private static readonly Dictionary<string, Reader> Readers = new(StringComparer.Ordinal)
    {
        [Names.Base64Names] = static (value, p) =>
            Strings(value) is { } names ? p with { Base64Names = names.ToImmutableSortedSet(StringComparer.Ordinal) } : null,
        [Names.Version] = static (value, p) =>
            Octets(value) is { } blob && NetworkVersion.TryParse(blob.AsSpan(), out NetworkVersion? version) ? p with { Version = version } : null,
        [Names.Protocol] = static (value, p) => Integer(value, 0, ushort.MaxValue) is { } number ? p with { Protocol = number } : null,
        [Names.MinProtocol] = static (value, p) => Integer(value, 0, ushort.MaxValue) is { } number ? p with { MinProtocol = number } : null,
        [Names.RegistryPrefix] = static (value, p) =>
            Text(value) is { } bits && NodePrefix.TryParseBits(bits, out NodePrefix prefix) ? p with { RegistryPrefix = prefix } : null,
        [Names.RevokedSerials] = static (value, p) => Serials(value) is { } serials ? p with { RevokedSerials = serials } : null,
        [Names.BabelDefault] = static (value, p) => Text(value) is { } text ? p with { BabelDefault = text } : null,
        [Names.Hello] = static (value, p) => Integer(value, 1, MaxSeconds) is { } number ? p with { Hello = TimeSpan.FromSeconds(number) } : null,
        [Names.ClientCount] = static (value, p) => Integer(value, 0, ushort.MaxValue) is { } number ? p with { ClientCount = number } : null,
        [Names.MaxClients] = static (value, p) => Integer(value, 0, ushort.MaxValue) is { } number ? p with { MaxClients = number } : null,
        [Names.TunnelRefresh] = static (value, p) =>
            Integer(value, 1, MaxSeconds) is { } number ? p with { TunnelRefresh = TimeSpan.FromSeconds(number) } : null,
        [Names.Encrypt] = static (value, p) =>
            value.ValueKind is JsonValueKind.True or JsonValueKind.False ? p with { Encrypt = value.GetBoolean() } : null,
        [Names.Ipv4] = static (value, p) => Text(value) is { } text && NetworkParameters.IsIpv4Network(text) ? p with { Ipv4 = text } : null,
        [Names.Ipv4SubnetLength] = static (value, p) => Integer(value, 0, 16) is { } number ? p with { Ipv4SubnetLength = number } : null,
        [Names.SameCountry] = static (value, p) => Strings(value) is { } countries ? p with { SameCountry = countries } : null,
        [Names.BabelHmacSign] = static (value, p) => Octets(value) is { } octets ? p with { BabelHmacSign = octets } : null,
        [Names.BabelHmacAccept] = static (value, p) => Octets(value) is { } octets ? p with { BabelHmacAccept = octets } : null,
        [Names.ValidUntil] = static (value, p) =>
            Number(value, MaxUnixSeconds) is { } seconds ? p with { ValidUntil = DateTimeOffset.UnixEpoch + Span(seconds) } : null,
        [Names.DelayRestart] = static (value, p) =>
            Number(value, MaxSeconds) is { } seconds ? p with { DelayRestart = Span(seconds) } : null,
    };

    private delegate NetworkParameters? Reader(JsonElement value, NetworkParameters parameters);

    public static bool TryRead(byte[] json, [NotNullWhen(true)] out NetworkParameters? parameters)
    {
        parameters = null;
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, Strict);
            parameters = Read(document.RootElement);
        }
        // The parser tells malformed text in this way only. Strings that are no text (lone surrogates, bad UTF-8) show when they are read.
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return false;
        }
        return parameters is not null;
    }

    public static byte[] Write(ImmutableSortedDictionary<string, string> fields)
    {
        using var output = new MemoryStream();
        using (var writer = new Utf8JsonWriter(output))
        {
            writer.WriteStartObject();
            foreach ((string name, string value) in fields)
            {
                writer.WritePropertyName(name);
                writer.WriteRawValue(value);
            }
            writer.WriteEndObject();
        }
        return output.ToArray();
    }

    public static ImmutableSortedDictionary<string, string> FieldsOf(NetworkParameters parameters)
    {
        ImmutableSortedDictionary<string, string>.Builder fields = parameters.Unknown.ToBuilder();
        fields[Names.Base64Names] = Json(parameters.Base64Names);
        fields[Names.Version] = Json(parameters.Version.Blob);
        fields[Names.Protocol] = Json(parameters.Protocol);
        fields[Names.MinProtocol] = Json(parameters.MinProtocol);
        fields[Names.RegistryPrefix] = Json(parameters.RegistryPrefix.Bits);
        fields[Names.RevokedSerials] = $"[{string.Join(',', parameters.RevokedSerials)}]";
        fields[Names.BabelDefault] = Json(parameters.BabelDefault);
        fields[Names.Hello] = Json((int)parameters.Hello.TotalSeconds);
        fields[Names.ClientCount] = Json(parameters.ClientCount);
        fields[Names.MaxClients] = Json(parameters.MaxClients);
        fields[Names.TunnelRefresh] = Json((int)parameters.TunnelRefresh.TotalSeconds);
        fields[Names.Encrypt] = parameters.Encrypt ? "true" : "false";
        if (parameters.Ipv4 is { } ipv4)
            fields[Names.Ipv4] = Json(ipv4);
        if (parameters.Ipv4SubnetLength is { } subnetLength)
            fields[Names.Ipv4SubnetLength] = Json(subnetLength);
        if (parameters.SameCountry is { } countries)
            fields[Names.SameCountry] = Json(countries);
        if (parameters.BabelHmacSign is { } sign)
            fields[Names.BabelHmacSign] = Json(sign);
        if (parameters.BabelHmacAccept is { } accept)
            fields[Names.BabelHmacAccept] = Json(accept);
        if (parameters.ValidUntil is { } until)
            fields[Names.ValidUntil] = Json((until - DateTimeOffset.UnixEpoch).TotalSeconds);
        if (parameters.DelayRestart is { } delay)
            fields[Names.DelayRestart] = Json(delay.TotalSeconds);
        return fields.ToImmutable();
    }

    private static NetworkParameters? Read(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty(Names.Version, out _)
            || !root.TryGetProperty(Names.Protocol, out _) || !root.TryGetProperty(Names.RegistryPrefix, out _))
        {
            return null;
        }
        var parameters = new NetworkParameters { Version = NetworkVersion.Initial, Protocol = 0, RegistryPrefix = default };
        ImmutableSortedDictionary<string, string>.Builder unknown = parameters.Unknown.ToBuilder();
        foreach (JsonProperty property in root.EnumerateObject())
        {
            if (Readers.TryGetValue(property.Name, out Reader? reader))
            {
                if (reader(property.Value, parameters) is not { } read)
                    return null;
                parameters = read;
            }
            else
            {
                unknown[property.Name] = property.Value.GetRawText();
            }
        }
        // A registry that sends the version as plain text is none that anybody has seen, and nodes of re6st would not understand it.
        return parameters.Base64Names.Contains(Names.Version) ? parameters with { Unknown = unknown.ToImmutable() } : null;
    }

    private static string? Text(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static int? Integer(JsonElement value, int min, int max) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) && number >= min && number <= max ? number : null;

    private static double? Number(JsonElement value, double max) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && number >= 0 && number <= max ? number : null;

    // To the nearest tick: the framework cuts off, and 0.0000021 s, which is 21 ticks, would become less each time that it is read and written.
    private static TimeSpan Span(double seconds) => new((long)Math.Round(seconds * TimeSpan.TicksPerSecond));

    private static ImmutableArray<byte>? Octets(JsonElement value) =>
        value.ValueKind == JsonValueKind.String && value.TryGetBytesFromBase64(out byte[]? octets) ? [.. octets] : null;

    private static ImmutableArray<string>? Strings(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Array)
            return null;
        var strings = ImmutableArray.CreateBuilder<string>(value.GetArrayLength());
        foreach (JsonElement item in value.EnumerateArray())
        {
            if (Text(item) is not { } text)
                return null;
            strings.Add(text);
        }
        return strings.ToImmutable();
    }

    private static ImmutableSortedSet<ulong>? Serials(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Array)
            return null;
        var serials = ImmutableSortedSet.CreateBuilder<ulong>();
        foreach (JsonElement item in value.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Number || !item.TryGetUInt64(out ulong serial))
                return null;
            _ = serials.Add(serial);
        }
        return serials.ToImmutable();
    }

    private static string Json(string text) => $"\"{JavaScriptEncoder.Default.Encode(text)}\"";

    private static string Json(IEnumerable<string> texts) => $"[{string.Join(',', texts.Select(static text => Json(text)))}]";

    private static string Json(ImmutableArray<byte> octets) => $"\"{Convert.ToBase64String(octets.AsSpan())}\"";

    private static string Json(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Json(double number) => number.ToString("R", CultureInfo.InvariantCulture);
}
