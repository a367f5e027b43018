using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Mesh.Hocon;

/// <summary>The conversions an application may ask for (HOCON "Automatic type conversions" and the units formats). None accepts null.</summary>
public static class HoconConvert
{
    private static readonly Dictionary<string, decimal> TicksPerUnit = UnitTable(
        (0.01m, "ns nano nanos nanosecond nanoseconds"),
        (10m, "us micro micros microsecond microseconds"),
        (TimeSpan.TicksPerMillisecond, "ms milli millis millisecond milliseconds"),
        (TimeSpan.TicksPerSecond, "s second seconds"),
        (TimeSpan.TicksPerMinute, "m minute minutes"),
        (TimeSpan.TicksPerHour, "h hour hours"),
        (TimeSpan.TicksPerDay, "d day days"));

    private static readonly Dictionary<string, decimal> BytesPerUnit = ByteUnits();

    /// <summary>A string, or the text of a number or boolean as it was written.</summary>
    public static bool TryToText(HoconValue value, [MaybeNullWhen(false)] out string text)
    {
        text = value is HoconScalar { Kind: not HoconKind.Null } scalar ? scalar.Text : null;
        return text is not null;
    }

    /// <summary>A boolean, or one of the strings true, yes, on, false, no, off.</summary>
    public static bool TryToBoolean(HoconValue value, out bool result)
    {
        string? text = value is HoconScalar { Kind: HoconKind.Boolean or HoconKind.String } scalar ? scalar.Text : null;
        result = text is "true" or "yes" or "on";
        return result || text is "false" or "no" or "off";
    }

    /// <summary>A whole number in 64 bits, also written as 1e3 or 10.0.</summary>
    public static bool TryToInt64(HoconValue value, out long result)
    {
        result = 0;
        if (!TryToText(value, out string? text) || !TryDecimal(text, out decimal number) || decimal.Truncate(number) != number || number is < long.MinValue or > long.MaxValue)
            return false;
        result = (long)number;
        return true;
    }

    /// <summary>A finite number.</summary>
    public static bool TryToDouble(HoconValue value, out double result)
    {
        result = 0;
        return TryToText(value, out string? text) && IsNumber(text)
            && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out result) && double.IsFinite(result);
    }

    /// <summary>A duration such as <c>250 ms</c>; a bare number is milliseconds. What is finer than 100 ns is refused, not rounded.</summary>
    public static bool TryToDuration(HoconValue value, out TimeSpan result)
    {
        result = default;
        if (!TryToQuantity(value, TicksPerUnit, bareUnit: "ms", out decimal ticks) || decimal.Truncate(ticks) != ticks || ticks is < long.MinValue or > long.MaxValue)
            return false;
        result = new TimeSpan((long)ticks);
        return true;
    }

    /// <summary>A size such as <c>64 KiB</c>, in octets; a bare number is octets. A fraction of an octet is cut off.</summary>
    public static bool TryToBytes(HoconValue value, out long result)
    {
        result = 0;
        if (!TryToQuantity(value, BytesPerUnit, bareUnit: "B", out decimal bytes) || bytes is < long.MinValue or > long.MaxValue)
            return false;
        result = (long)decimal.Truncate(bytes);
        return true;
    }

    /// <summary>An array, or an object with keys 0, 1, 2... (HOCON "Conversion of numerically-indexed objects to arrays").</summary>
    public static bool TryToList(HoconValue value, [MaybeNullWhen(false)] out IReadOnlyList<HoconValue> items)
    {
        items = value switch
        {
            HoconArray array => array.Items,
            HoconObject indexed => Indexed(indexed),
            _ => null,
        };
        return items is not null;
    }

    /// <summary>The number syntax of JSON: <c>-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?</c>.</summary>
    internal static bool IsNumber(ReadOnlySpan<char> text)
    {
        int at = 0;
        if (at < text.Length && text[at] == '-')
            at++;
        int whole = Digits(text, ref at);
        if (whole == 0 || (whole > 1 && text[at - whole] == '0'))
            return false;
        if (at < text.Length && text[at] == '.')
        {
            at++;
            if (Digits(text, ref at) == 0)
                return false;
        }
        if (at < text.Length && text[at] is 'e' or 'E')
        {
            at++;
            if (at < text.Length && text[at] is '+' or '-')
                at++;
            if (Digits(text, ref at) == 0)
                return false;
        }
        return at == text.Length;
    }

    private static int Digits(ReadOnlySpan<char> text, ref int at)
    {
        int start = at;
        while (at < text.Length && char.IsAsciiDigit(text[at]))
            at++;
        return at - start;
    }

    private static bool TryDecimal(ReadOnlySpan<char> text, out decimal number)
    {
        number = 0;
        return IsNumber(text) && IsExact(text) && decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out number);
    }

    // A number with more digits than a decimal holds is rounded: 1e-40 would be 0, and 1.0000000000000000000000000000001 a whole number.
    private static bool IsExact(ReadOnlySpan<char> text)
    {
        const int MaxDigits = 28;
        int exponentAt = text.IndexOfAny('e', 'E');
        ReadOnlySpan<char> mantissa = (exponentAt < 0 ? text : text[..exponentAt]).TrimStart('-');
        int point = mantissa.IndexOf('.');
        string digits = mantissa.ToString().Replace(".", "", StringComparison.Ordinal);
        int used = digits.Trim('0').Length;
        if (used == 0)
            return true;
        int exponent = 0;
        if (exponentAt >= 0 && !int.TryParse(text[(exponentAt + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out exponent))
            return false;
        long lowest = (long)exponent - (point < 0 ? 0 : mantissa.Length - point - 1) + (digits.Length - digits.TrimEnd('0').Length);
        return used <= MaxDigits && lowest >= -MaxDigits;
    }

    private static bool TryToQuantity(HoconValue value, Dictionary<string, decimal> units, string bareUnit, out decimal quantity)
    {
        quantity = 0;
        if (value is not HoconScalar { Kind: HoconKind.Number or HoconKind.String } scalar)
            return false;
        ReadOnlySpan<char> text = scalar.Text.AsSpan().Trim();
        int unitStart = text.Length;
        while (unitStart > 0 && char.IsLetter(text[unitStart - 1]))
            unitStart--;
        string unit = unitStart == text.Length ? bareUnit : text[unitStart..].ToString();
        if (!TryDecimal(text[..unitStart].TrimEnd(), out decimal number) || !units.TryGetValue(unit, out decimal factor))
            return false;
        if (number != 0 && Math.Abs(number) > decimal.MaxValue / Math.Max(factor, 1))
            return false;
        quantity = number * factor;
        return quantity != 0 || number == 0;   // a product may be too small as well
    }

    private static List<HoconValue>? Indexed(HoconObject indexed)
    {
        var items = new SortedDictionary<int, HoconValue>();
        foreach (HoconField field in indexed.Fields)
        {
            if (int.TryParse(field.Key, NumberStyles.None, CultureInfo.InvariantCulture, out int index))
                _ = items.TryAdd(index, field.Value);
        }
        return items.Count == 0 ? null : [.. items.Values];
    }

    private static Dictionary<string, decimal> UnitTable(params (decimal Factor, string Names)[] rows)
    {
        var table = new Dictionary<string, decimal>(StringComparer.Ordinal);
        foreach ((decimal factor, string names) in rows)
        {
            foreach (string name in names.Split(' '))
                table.Add(name, factor);
        }
        return table;
    }

    private static Dictionary<string, decimal> ByteUnits()
    {
        Dictionary<string, decimal> table = UnitTable((1, "B b byte bytes"));
        string[] decimalNames = ["kilo", "mega", "giga", "tera", "peta", "exa", "zetta", "yotta"];
        string[] binaryNames = ["kibi", "mebi", "gibi", "tebi", "pebi", "exbi", "zebi", "yobi"];
        (decimal ten, decimal two) = (1, 1);
        for (int power = 0; power < decimalNames.Length; power++)
        {
            (ten, two) = (ten * 1000, two * 1024);
            char letter = "KMGTPEZY"[power];
            char small = char.ToLowerInvariant(letter);
            // Only kilo has a small letter in front of a capital B.
            foreach (string name in (string[])[$"{(power == 0 ? small : letter)}B", $"{decimalNames[power]}byte", $"{decimalNames[power]}bytes"])
                table.Add(name, ten);
            foreach (string name in (string[])[$"{letter}", $"{small}", $"{letter}i", $"{letter}iB", $"{binaryNames[power]}byte", $"{binaryNames[power]}bytes"])
                table.Add(name, two);
        }
        return table;
    }
}
