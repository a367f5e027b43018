namespace Mesh.Simulation.Scenarios;

/// <summary>Reads the steps <c>chaos</c> and <c>faults</c>.</summary>
internal static class FaultReader
{
    private static readonly TimeSpan Longest = TimeSpan.FromDays(1);

    public static Chaos ReadChaos(ScenarioSection section) => new(
        section.Duration("for", fallback: null, TimeSpan.FromSeconds(1), Longest),
        section.Duration("every", TimeSpan.FromSeconds(20), TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1)),
        [.. section.SomeTexts("faults").Select(name => ReadKind(section, "faults", name))]);

    public static FaultPlan ReadPlan(ScenarioSection section, Scenario scenario)
    {
        TimeSpan duration = section.Duration("for", fallback: null, TimeSpan.FromSeconds(1), Longest);
        return new FaultPlan(duration, [.. section.List("list", isRequired: true).Select(entry => ReadFault(entry, scenario, duration))]);
    }

    private static TimedFault ReadFault(ScenarioSection section, Scenario scenario, TimeSpan duration)
    {
        TimeSpan at = section.Duration("at", fallback: null, TimeSpan.Zero, duration);
        FaultKind kind = ReadKind(section, "fault", section.Text("fault", fallback: null));
        IReadOnlyList<string> machines = TimedFault.IsOfNode(kind) ? [ScenarioReader.ReadNode(section, scenario)] : kind == FaultKind.Partition ? ReadIsland(section, scenario) : [];
        TimeSpan length = TimedFault.Lasts(kind) ? section.Duration("for", fallback: null, TimeSpan.Zero, Longest) : TimeSpan.Zero;
        TimeSpan hello = kind == FaultKind.SetParameters ? section.Duration("hello", fallback: null, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10)) : default;
        if (hello.Ticks % TimeSpan.TicksPerSecond != 0)
            section.Problem("hello", "expected whole seconds");
        if (at + length > duration)
            section.Problem("for", $"expected an end before that of the step, which takes {duration.TotalSeconds:0.###} s");
        section.Finish();
        return new TimedFault(at, kind, machines, length, hello);
    }

    private static IReadOnlyList<string> ReadIsland(ScenarioSection section, Scenario scenario)
    {
        IReadOnlyList<string> names = section.SomeTexts("machines");
        foreach (string name in names.Where(name => !scenario.HasNode(name)))
            section.Problem("machines", $"there is no node '{name}'; nodes are called SITE-NUMBER, for example {scenario.Sites.FirstOrDefault()?.Name}-1");
        return names;
    }

    private static FaultKind ReadKind(ScenarioSection section, string key, string name)
    {
        if (!TimedFault.TryParseKind(name, out FaultKind kind) && name.Length > 0)
            section.Problem(key, $"'{name}' is not a fault; faults are {string.Join(", ", TimedFault.KindNames)}");
        return kind;
    }
}
