using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Mesh.Hocon;

namespace Mesh.Simulation.Scenarios;

/// <summary>A scenario file as a tree: what is changed in it and written again keeps everything else that the file said.</summary>
public sealed partial class ScenarioTree
{
    private const int Indent = 2;
    private const int LineWidth = 160;

    private readonly JsonObject _root;

    private ScenarioTree(JsonObject root) => _root = root;

    private JsonObject Body => (JsonObject)_root["scenario"]!;

    private JsonArray Steps => (JsonArray)Body["steps"]!;

    private JsonArray Sites => (JsonArray)Body["sites"]!;

    /// <summary>Reads a file that <see cref="ScenarioReader"/> takes.</summary>
    /// <exception cref="ScenarioException">It cannot be read.</exception>
    public static ScenarioTree Load(string path)
    {
        try
        {
            return Of(HoconDocument.Load(path, HoconOptions.Default with { Loader = FileHoconLoader.Instance }));
        }
        catch (Exception e) when (e is HoconException or IOException or UnauthorizedAccessException)
        {
            throw new ScenarioException([e is HoconException ? e.Message : $"{path}: {e.Message}"]);
        }
    }

    /// <summary>Reads a text that <see cref="ScenarioReader"/> takes.</summary>
    public static ScenarioTree Parse(string text) => Of(HoconDocument.Parse(text, "scenario"));

    /// <summary>Takes over the sites and the lists of faults of a scenario that was made from this tree.</summary>
    /// <param name="scenario">The scenario: with other numbers of nodes, with faults in place of wishes for some, with fewer faults or steps, or with shorter times.</param>
    /// <param name="kept">Which of the tree's steps its steps are, or null where it has all of them.</param>
    public void Take(Scenario scenario, IReadOnlyList<int>? kept = null)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        JsonObject[] before = [.. Sites.Select(static site => (JsonObject)site!)];
        Sites.Clear();
        foreach (Site site in scenario.Sites)
        {
            // One that was made while the scenario grew is called like its model, and a number.
            JsonObject model = before.Where(one => site.Name.StartsWith(NameOf(one), StringComparison.Ordinal)).MaxBy(static one => NameOf(one).Length)!;
            var copy = (JsonObject)model.DeepClone();
            (copy["name"], copy["nodes"]) = (site.Name, site.Nodes);
            Sites.Add((JsonNode)copy);
        }

        JsonNode[] steps = [.. Steps.Select(static step => step!.DeepClone())];
        Steps.Clear();
        for (int i = 0; i < scenario.Steps.Count; i++)
        {
            JsonNode step = steps[kept?[i] ?? i];
            if (scenario.Steps[i] is FaultPlan plan)
                step = new JsonObject { ["do"] = "faults", ["for"] = Seconds(plan.Duration), ["list"] = new JsonArray([.. plan.Faults.Select(ToNode)]) };
            else if (scenario.Steps[i] is PassTime pass)
                step["for"] = Seconds(pass.Duration);
            Steps.Add(step);
        }
    }

    /// <summary>The scenario as text in HOCON.</summary>
    public override string ToString()
    {
        var output = new StringBuilder();
        foreach ((string key, JsonNode? value) in _root)
            AppendField(output, key, value, 0);
        return output.ToString();
    }

    private static ScenarioTree Of(HoconDocument document) => new((JsonObject)JsonNode.Parse(HoconWriter.ToJson(document.Resolve()))!);

    private static string NameOf(JsonObject site) => site["name"]!.ToString();

    private static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.#######} s");

    private static JsonNode ToNode(TimedFault fault) => JsonNode.Parse(HoconWriter.ToJson(HoconDocument.Parse(fault.ToString(), "fault").Resolve()))!;

    private static void AppendField(StringBuilder output, string key, JsonNode? value, int depth)
    {
        output.Append(' ', depth * Indent).Append(HoconWriter.Key(key));
        if (value is JsonObject)
            output.Append(' ');
        else
            output.Append(" = ");
        Append(output, value, depth);
        output.Append('\n');
    }

    private static void Append(StringBuilder output, JsonNode? value, int depth)
    {
        if (value is not (JsonObject or JsonArray) || (depth > 1 && OnOneLine(value) is { Length: < LineWidth }))
        {
            output.Append(OnOneLine(value));
            return;
        }

        bool isObject = value is JsonObject;
        output.Append(isObject ? "{\n" : "[\n");
        if (value is JsonObject fields)
        {
            foreach ((string key, JsonNode? field) in fields)
                AppendField(output, key, field, depth + 1);
        }
        else
        {
            foreach (JsonNode? item in (JsonArray)value)
            {
                output.Append(' ', (depth + 1) * Indent);
                Append(output, item, depth + 1);
                output.Append('\n');
            }
        }

        output.Append(' ', depth * Indent).Append(isObject ? '}' : ']');
    }

    private static string OnOneLine(JsonNode? value) => value switch
    {
        JsonObject fields => $"{{ {string.Join(", ", fields.Select(static field => $"{HoconWriter.Key(field.Key)}{(field.Value is JsonObject ? " " : " = ")}{OnOneLine(field.Value)}"))} }}",
        JsonArray items => $"[{string.Join(", ", items.Select(OnOneLine))}]",
        JsonValue scalar when scalar.GetValueKind() == System.Text.Json.JsonValueKind.String => Plain().IsMatch(scalar.GetValue<string>()) ? scalar.GetValue<string>() : HoconWriter.Quote(scalar.GetValue<string>()),
        null => "null",
        _ => value.ToJsonString(),
    };

    // Names, and durations as in 1.5 s: what needs no quotes.
    [GeneratedRegex("^([a-z][a-z0-9-]*|[0-9]+(\\.[0-9]+)? [a-z]+)$", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Plain();
}
