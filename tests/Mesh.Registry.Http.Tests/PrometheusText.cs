using System.Globalization;

namespace Mesh.Registry.Http.Tests;

/// <summary>A strict reader of the text format of Prometheus, version 0.0.4: what it does not understand is a failure.</summary>
/// <remarks>
/// <code>
/// # HELP name text        once, before the samples
/// # TYPE name type        once, before the samples
/// name{label="value"} number
/// </code>
/// All lines of a metric stand together and no sample comes twice. A histogram has buckets in ascending order that never fall, the last one +Inf and equal to the count.
/// </remarks>
internal sealed class PrometheusText
{
    private readonly Dictionary<string, string> _types = new(StringComparer.Ordinal);
    private readonly HashSet<string> _helped = new(StringComparer.Ordinal);
    private string? _current;

    public Dictionary<string, double> Samples { get; } = new(StringComparer.Ordinal);

    public static PrometheusText Parse(string text)
    {
        var parsed = new PrometheusText();
        if (!text.EndsWith('\n'))
            throw new FormatException("the last line has no end");
        foreach (string line in text[..^1].Split('\n'))
            parsed.Read(line);
        parsed.CheckHistograms();
        return parsed;
    }

    private void Read(string line)
    {
        if (line.StartsWith("# HELP ", StringComparison.Ordinal))
        {
            string[] parts = line[7..].Split(' ', 2);
            Require(parts.Length == 2 && IsName(parts[0]) && _helped.Add(parts[0]), line);
            for (int index = 0; index < parts[1].Length; index++)
                Require(parts[1][index] != '\\' || (index + 1 < parts[1].Length && parts[1][++index] is '\\' or 'n'), line);
        }
        else if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
        {
            string[] parts = line[7..].Split(' ');
            Require(parts.Length == 2 && _helped.Contains(parts[0]) && parts[1] is "counter" or "gauge" or "histogram" && _types.TryAdd(parts[0], parts[1]), line);
            Require(parts[1] != "counter" || parts[0].EndsWith("_total", StringComparison.Ordinal), line);
            _current = parts[0];
        }
        else
        {
            ReadSample(line);
        }
    }

    private void ReadSample(string line)
    {
        int index = 0;
        while (index < line.Length && line[index] is not ('{' or ' '))
            index++;
        string name = line[..index];
        Require(IsName(name) && _current is not null, line);
        string[] allowed = _types[_current!] == "histogram" ? [_current + "_bucket", _current + "_sum", _current + "_count"] : [_current!];
        Require(allowed.Contains(name, StringComparer.Ordinal), line);   // so it stands with its own metric
        if (line[index] == '{')
            index = ReadLabels(line, index + 1);
        Require(line[index] == ' ' && !line[(index + 1)..].Contains(' ', StringComparison.Ordinal), line);
        string number = line[(index + 1)..];
        double value = number == "+Inf" ? double.PositiveInfinity : double.Parse(number, NumberStyles.Float, CultureInfo.InvariantCulture);
        Require(Samples.TryAdd(line[..index], value), line);
        Require(_types[_current!] == "gauge" || value >= 0, line);
    }

    private static int ReadLabels(string line, int index)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        while (true)
        {
            int end = line.IndexOf('=', index);
            Require(end > index && IsName(line[index..end]) && names.Add(line[index..end]) && line[end + 1] == '"', line);
            index = end + 2;
            while (line[index] != '"')
                index += line[index] != '\\' ? 1 : line[index + 1] is '\\' or '"' or 'n' ? 2 : throw new FormatException(line);
            if (line[++index] == '}')
                return index + 1;
            Require(line[index++] == ',', line);
        }
    }

    private void CheckHistograms()
    {
        foreach (string name in _types.Where(static t => t.Value == "histogram").Select(static t => t.Key))
        {
            var series = Samples.Where(s => s.Key.StartsWith(name + "_bucket{", StringComparison.Ordinal))
                .GroupBy(s => s.Key[..s.Key.IndexOf(",le=", StringComparison.Ordinal)][(name.Length + "_bucket".Length)..], StringComparer.Ordinal);
            foreach (var buckets in series)
            {
                double[] ends = [.. buckets.Select(static b => b.Key.Split("le=\"")[1].TrimEnd('}', '"')).Select(static e => e == "+Inf" ? double.PositiveInfinity : double.Parse(e, CultureInfo.InvariantCulture))];
                double[] counts = [.. buckets.Select(static b => b.Value)];
                Require(ends.SequenceEqual(ends.Order()) && ends.Distinct().Count() == ends.Length && double.IsPositiveInfinity(ends[^1]), name);
                Require(counts.SequenceEqual(counts.Order()), name);
                Require(Samples[$"{name}_count{buckets.Key}}}"] == counts[^1] && Samples.ContainsKey($"{name}_sum{buckets.Key}}}"), name);
            }
        }
    }

    private static bool IsName(string name) => name.Length > 0 && !char.IsAsciiDigit(name[0]) && name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '_' or ':');

    private static void Require(bool isRight, string line)
    {
        if (!isRight)
            throw new FormatException(line);
    }
}
