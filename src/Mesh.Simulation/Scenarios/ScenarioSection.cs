using System.Globalization;
using Mesh.Hocon;

namespace Mesh.Simulation.Scenarios;

/// <summary>An object of a scenario file that is being read. Collects problems, and knows which keys nobody has read.</summary>
internal sealed class ScenarioSection(HoconObject? source, string path, List<string> problems)
{
    private readonly HashSet<string> _read = new(StringComparer.Ordinal);

    public List<string> Problems => problems;

    public IEnumerable<string> Keys => source?.Fields.Select(static entry => $"{entry.Key} = {entry.Value}") ?? [];

    public bool Has(string key) => Find(key, isRequired: false) is not null;

    public bool HasObject(string key) => Find(key, isRequired: false) is HoconObject;

    public ScenarioSection Section(string key, bool isRequired)
    {
        HoconValue? value = Find(key, isRequired);
        if (value is not null and not HoconObject)
            Problem(key, "expected an object { ... }");
        return new ScenarioSection(value as HoconObject, PathOf(key), problems);
    }

    public IReadOnlyList<ScenarioSection> List(string key, bool isRequired)
    {
        HoconValue? value = Find(key, isRequired);
        if (value is null)
            return [];
        if (!HoconConvert.TryToList(value, out IReadOnlyList<HoconValue>? items) || items.Any(i => i is not HoconObject))
        {
            Problem(key, "expected a list of objects [ { ... }, ... ]");
            return [];
        }

        return [.. items.Select((item, i) => new ScenarioSection((HoconObject)item, $"{PathOf(key)}[{i}]", problems))];
    }

    /// <summary>A list of texts that has to be there, with one at least.</summary>
    public IReadOnlyList<string> SomeTexts(string key)
    {
        HoconValue? value = Find(key, isRequired: true);
        if (value is null)
            return [];
        if (HoconConvert.TryToList(value, out IReadOnlyList<HoconValue>? items) && items.Count > 0 && items.All(static item => HoconConvert.TryToText(item, out _)))
            return [.. items.Select(static item => HoconConvert.TryToText(item, out string? text) ? text : "")];
        Problem(key, "expected a list of texts [ a, b, ... ] with one at least");
        return [];
    }

    public string Text(string key, string? fallback)
    {
        HoconValue? value = Find(key, isRequired: fallback is null);
        if (value is null)
            return fallback ?? "";
        if (HoconConvert.TryToText(value, out string? text))
            return text;
        Problem(key, "expected a text");
        return fallback ?? "";
    }

    /// <summary>A list of texts; empty where the key is missing.</summary>
    public IReadOnlyList<string> Texts(string key)
    {
        HoconValue? value = Find(key, isRequired: false);
        if (value is null)
            return [];
        var texts = new List<string>();
        if (HoconConvert.TryToList(value, out IReadOnlyList<HoconValue>? items))
        {
            foreach (HoconValue item in items)
            {
                if (HoconConvert.TryToText(item, out string? text))
                    texts.Add(text);
            }
        }

        if (texts.Count == 0 || texts.Count < items!.Count)
            Problem(key, "expected a list of texts [ a, b ]");
        return texts;
    }

    /// <summary>Whether a key is there and has true or false.</summary>
    public bool IsFlag(string key) => Find(key, isRequired: false) is { } value && HoconConvert.TryToBoolean(value, out _);

    public bool Flag(string key, bool fallback)
    {
        HoconValue? value = Find(key, isRequired: false);
        if (value is null)
            return fallback;
        if (HoconConvert.TryToBoolean(value, out bool flag))
            return flag;
        Problem(key, "expected true or false");
        return fallback;
    }

    public T Choice<T>(string key, string fallback, (string Name, T Value)[] choices)
    {
        string text = Text(key, fallback);
        foreach ((string name, T value) in choices)
        {
            if (name == text)
                return value;
        }

        Problem(key, $"expected {string.Join(" or ", choices.Select(static choice => choice.Name))}, not '{text}'");
        return choices[0].Value;
    }

    /// <summary>One of some words; what is returned where the key is missing need not be one of them.</summary>
    public string Word(string key, string fallback, params string[] words) => Has(key) ? Choice(key, words[0], [.. words.Select(static word => (word, word))]) : fallback;

    /// <summary>Bits a second; 0 where there is no limit.</summary>
    public double Rate(string key, double fallback)
    {
        if (!Has(key))
            return fallback;
        string text = Text(key, fallback: null);
        int unitAt = text.AsSpan().IndexOfAnyExcept("0123456789.");
        double factor = (unitAt < 0 ? "" : text[unitAt..].Trim()) switch { "kbit/s" => 1e3, "Mbit/s" => 1e6, "Gbit/s" => 1e9, _ => 0 };
        if (factor > 0 && double.TryParse(text.AsSpan(0, unitAt), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number) && number * factor is >= 1e3 and <= 1e12)
            return number * factor;
        Problem(key, $"expected a rate such as 512 kbit/s, 20 Mbit/s or 1 Gbit/s, at least 1 kbit/s, not {text}");
        return fallback;
    }

    public int Integer(string key, int fallback, int min, int max)
    {
        HoconValue? value = Find(key, isRequired: false);
        if (value is null)
            return fallback;
        if (HoconConvert.TryToInt64(value, out long number) && number >= min && number <= max)
            return (int)number;
        Problem(key, $"expected a whole number from {min} to {max}, not {value}");
        return fallback;
    }

    public double Number(string key, double? fallback, double min, double max)
    {
        HoconValue? value = Find(key, isRequired: fallback is null);
        if (value is null)
            return fallback ?? min;
        if (HoconConvert.TryToDouble(value, out double number) && number >= min && number <= max)
            return number;
        Problem(key, $"expected a number from {min} to {max}, not {value}");
        return fallback ?? min;
    }

    public TimeSpan Duration(string key, TimeSpan? fallback, TimeSpan min, TimeSpan max)
    {
        HoconValue? value = Find(key, isRequired: fallback is null);
        if (value is null)
            return fallback ?? min;
        // A unit stands at the end: the letter of 1e3 is none.
        bool hasUnit = HoconConvert.TryToText(value, out string? text) && text.AsSpan().TrimEnd() is [.., var last] && char.IsLetter(last);
        if (hasUnit && HoconConvert.TryToDuration(value, out TimeSpan duration) && duration >= min && duration <= max)
            return duration;
        Problem(key, hasUnit ? $"expected a duration from {Describe(min)} to {Describe(max)}, not {value}" : $"expected a duration with a unit, such as 20 ms or 3 s, not {value}");
        return fallback ?? min;
    }

    public void Problem(string key, string message)
    {
        HoconOrigin? origin = source is not null && source.TryGet(key, out HoconField? field) ? field.KeyOrigin : source?.Origin;
        problems.Add($"{(origin is null ? "" : $"{origin}: ")}{PathOf(key)}: {message}");
    }

    /// <summary>Reports the keys that nobody has read.</summary>
    public void Finish()
    {
        foreach (HoconField field in source?.Fields ?? [])
        {
            if (!_read.Contains(field.Key))
                problems.Add($"{field.KeyOrigin}: {PathOf(field.Key)}: unknown key; known here: {string.Join(", ", _read.Order(StringComparer.Ordinal))}");
        }
    }

    private static string Describe(TimeSpan duration) => Math.Abs(duration.TotalSeconds) >= 1 ? $"{duration.TotalSeconds:0.###} s" : $"{duration.TotalMilliseconds:0.###} ms";

    private string PathOf(string key) => path.Length == 0 ? key : key.Length == 0 ? path : $"{path}.{key}";

    private HoconValue? Find(string key, bool isRequired)
    {
        _read.Add(key);
        if (source is not null && source.TryGet(key, out HoconField? field) && field.Value.Kind != HoconKind.Null)
            return field.Value;
        if (isRequired)
            Problem(key, "is missing");
        return null;
    }
}
