using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;

namespace Mesh.Hocon.Schema;

/// <summary>How values of one type are read from HOCON and written to it.</summary>
internal abstract class ConfigType<T>(string name)
    where T : notnull
{
    /// <summary>What a message calls the type: "expected ...".</summary>
    public string Name { get; } = name;

    public abstract bool TryRead(HoconValue value, [MaybeNullWhen(false)] out T result);

    /// <summary>A HOCON text that <see cref="TryRead"/> reads back as the same value; also valid JSON.</summary>
    public abstract string Write(T value);
}

/// <summary>A type made of two functions.</summary>
internal sealed class SimpleType<T>(string name, SimpleType<T>.Reader read, Func<T, string> write) : ConfigType<T>(name)
    where T : notnull
{
    public delegate bool Reader(HoconValue value, [MaybeNullWhen(false)] out T result);

    public override bool TryRead(HoconValue value, [MaybeNullWhen(false)] out T result) => read(value, out result);

    public override string Write(T value) => write(value);
}

/// <summary>The types that a key can have.</summary>
internal static class ConfigTypes
{
    public static readonly ConfigType<bool> Boolean = new SimpleType<bool>(
        "a boolean (true, yes, on, false, no, off)", HoconConvert.TryToBoolean, value => value ? "true" : "false");

    public static readonly ConfigType<long> Long = new SimpleType<long>(
        "a whole number", HoconConvert.TryToInt64, value => value.ToString(CultureInfo.InvariantCulture));

    public static readonly ConfigType<int> Int = new SimpleType<int>("a whole number of 32 bits", TryInt, value => value.ToString(CultureInfo.InvariantCulture));

    public static readonly ConfigType<double> Double = new SimpleType<double>(
        "a number", HoconConvert.TryToDouble, value => value.ToString("R", CultureInfo.InvariantCulture));

    public static readonly ConfigType<string> Text = new SimpleType<string>("a string", HoconConvert.TryToText, HoconWriter.Quote);

    public static readonly ConfigType<TimeSpan> Duration = new SimpleType<TimeSpan>(
        "a duration with a unit (ns, us, ms, s, m, h, d)", TryDuration, value => HoconWriter.Quote(DurationText(value)));

    public static readonly ConfigType<long> Size = new SimpleType<long>(
        "a size with a unit (B, kB, MB, GB, KiB, MiB, GiB)", HoconConvert.TryToBytes, value => HoconWriter.Quote(SizeText(value)));

    public static readonly ConfigType<IPEndPoint> EndPoint = new SimpleType<IPEndPoint>(
        "an address with a port such as [::1]:326 or 192.0.2.1:326", TryEndPoint, value => HoconWriter.Quote(value.ToString()));

    public static readonly ConfigType<string> Prefix = new SimpleType<string>(
        "an IP prefix such as 2001:db8::/32, without bits after its length", TryPrefix, HoconWriter.Quote);

    public static readonly ConfigType<Uri> Url = new SimpleType<Uri>(
        "an http or https URL", TryUrl, value => HoconWriter.Quote(value.OriginalString));

    public static readonly ConfigType<IReadOnlyList<string>> TextList = new SimpleType<IReadOnlyList<string>>(
        "a list of strings", TryTextList, value => $"[{string.Join(", ", value.Select(HoconWriter.Quote))}]");

    /// <summary>An enum by its names in kebab-case: <c>SoftLock</c> is written <c>soft-lock</c>.</summary>
    public static ConfigType<T> Enum<T>()
        where T : struct, Enum
    {
        Dictionary<string, T> byName = System.Enum.GetNames<T>().ToDictionary(Kebab, System.Enum.Parse<T>, StringComparer.Ordinal);
        bool TryEnum(HoconValue value, out T result)
        {
            result = default;
            return HoconConvert.TryToText(value, out string? text) && byName.TryGetValue(text, out result);
        }
        return new SimpleType<T>($"one of {string.Join(", ", byName.Keys)}", TryEnum, value => HoconWriter.Quote(Kebab(value.ToString())));
    }

    /// <summary>The largest unit that gives a whole number: <c>90 s</c>, <c>4 m</c>, <c>250 ms</c>.</summary>
    public static string DurationText(TimeSpan value)
    {
        (long Ticks, string Unit)[] units =
        [
            (TimeSpan.TicksPerDay, "d"), (TimeSpan.TicksPerHour, "h"), (TimeSpan.TicksPerMinute, "m"), (TimeSpan.TicksPerSecond, "s"),
            (TimeSpan.TicksPerMillisecond, "ms"), (TimeSpan.TicksPerMicrosecond, "us"),
        ];
        if (value == TimeSpan.Zero)
            return "0 s";
        foreach ((long ticks, string unit) in units)
        {
            if (value.Ticks % ticks == 0)
                return $"{(value.Ticks / ticks).ToString(CultureInfo.InvariantCulture)} {unit}";
        }
        return $"{((decimal)value.Ticks * 100).ToString(CultureInfo.InvariantCulture)} ns";
    }

    /// <summary>The largest binary unit that gives a whole number: <c>64 KiB</c>.</summary>
    public static string SizeText(long bytes)
    {
        string[] units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        int unit = 0;
        for (; bytes != 0 && bytes % 1024 == 0 && unit < units.Length - 1; unit++)
            bytes /= 1024;
        return $"{bytes.ToString(CultureInfo.InvariantCulture)} {units[unit]}";
    }

    public static string Kebab(string name)
        => string.Concat(name.Select((c, at) => char.IsAsciiLetterUpper(c) ? (at > 0 ? "-" : string.Empty) + char.ToLowerInvariant(c) : c.ToString()));

    private static bool TryInt(HoconValue value, out int result)
    {
        bool fits = HoconConvert.TryToInt64(value, out long number) && number is >= int.MinValue and <= int.MaxValue;
        result = fits ? (int)number : 0;
        return fits;
    }

    // Milliseconds by default is what the specification says, but a bare number in a file is more often a mistake. 0 needs no unit.
    private static bool TryDuration(HoconValue value, out TimeSpan result)
        => HoconConvert.TryToDuration(value, out result)
            && (result == TimeSpan.Zero || (value is HoconScalar { Text: string text } && char.IsLetter(text.AsSpan().TrimEnd()[^1])));

    private static bool TryEndPoint(HoconValue value, [MaybeNullWhen(false)] out IPEndPoint result)
    {
        result = null;
        if (!HoconConvert.TryToText(value, out string? text))
            return false;
        // Without a port the framework would assume 0.
        int colon = text.LastIndexOf(':');
        bool hasPort = colon > 0 && (text[colon - 1] == ']' || text.IndexOf(':', StringComparison.Ordinal) == colon);
        return hasPort && IPEndPoint.TryParse(text, out result);
    }

    private static bool TryPrefix(HoconValue value, [MaybeNullWhen(false)] out string result)
    {
        // The framework cuts off bits after the length; here they are more often a typing mistake.
        bool isPrefix = HoconConvert.TryToText(value, out string? text) && IPNetwork.TryParse(text, out IPNetwork network)
            && IPAddress.TryParse(text.AsSpan(0, text.LastIndexOf('/')), out IPAddress? address) && address.Equals(network.BaseAddress);
        result = isPrefix ? text : null;
        return isPrefix;
    }

    private static bool TryUrl(HoconValue value, [MaybeNullWhen(false)] out Uri result)
    {
        result = null;
        return HoconConvert.TryToText(value, out string? text)
            && Uri.TryCreate(text, UriKind.Absolute, out result) && result.Scheme is "http" or "https";
    }

    // Environment and command line have no arrays, so there a list is written with commas.
    private static bool TryTextList(HoconValue value, [MaybeNullWhen(false)] out IReadOnlyList<string> result)
    {
        result = null;
        if (value is HoconScalar { Kind: HoconKind.String, Origin.Source: HoconSource.Environment or HoconSource.CommandLine } flat)
        {
            result = flat.Text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            return true;
        }
        if (!HoconConvert.TryToList(value, out IReadOnlyList<HoconValue>? items))
            return false;
        var texts = new List<string>(items.Count);
        foreach (HoconValue item in items)
        {
            if (!HoconConvert.TryToText(item, out string? text))
                return false;
            texts.Add(text);
        }
        result = texts;
        return true;
    }
}
