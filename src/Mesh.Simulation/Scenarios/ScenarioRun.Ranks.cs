using System.Globalization;
using System.Text;
using Mesh.Simulation.Underlay;

namespace Mesh.Simulation.Scenarios;

/// <content>What processes that compute a run together have to agree on: all that does not follow from scenario and seed.</content>
public sealed partial class ScenarioRun
{
    private bool _isStopped;   // as all ranks know

    private bool IsStopped => _world.Engine.HasRanks ? _isStopped : _stop.IsCancellationRequested;

    // Whether it is time to report progress. With ranks: whether it is for one of them, since all have to look; and whether one of them is to stop.
    private bool Confer()
    {
        bool reports = _progress is not null && _clock.Elapsed - _reported >= ProgressInterval;
        bool stops = _stop.IsCancellationRequested;
        bool doesAnyReport = reports, doesAnyStop = stops;
        _world.Engine.Ask(
            writer =>
            {
                writer.Bool(reports);
                writer.Bool(stops);
            },
            reader =>
            {
                doesAnyReport |= reader.Bool();
                doesAnyStop |= reader.Bool();
            });
        _isStopped |= doesAnyStop;
        if (reports)
            _reported = _clock.Elapsed;
        return doesAnyReport;
    }

    // Another file, another seed or another build would be noticed later, by ranks that come apart, and less clearly.
    private void CompareWithOtherRanks()
    {
        if (!_world.Engine.HasRanks)
            return;
        string ours = Describe();
        _world.Engine.Ask(writer => writer.Text(ours), reader =>
        {
            string theirs = reader.Text();
            if (theirs == ours)
                return;
            (string Ours, string Theirs) line = ours.Split('\n').Zip(theirs.Split('\n')).FirstOrDefault(static pair => pair.First != pair.Second);
            throw new InvalidOperationException($"rank {reader.From} computes something else: '{line.Theirs}', and rank {_world.Engine.Rank}: '{line.Ours}'");
        });
    }

    private string Describe()
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"build {typeof(ScenarioRun).Module.ModuleVersionId}, .NET {Environment.Version}");
        text.AppendLine(CultureInfo.InvariantCulture, $"seed {_seed}, {_world.Engine.Workers} workers, scenario {_scenario.Name}");
        text.AppendLine(CultureInfo.InvariantCulture, $"{_scenario.Internet}, diameter {_scenario.DiameterMilliseconds}, spread {_scenario.JoinSpread}, modelled {_scenario.Cryptography.IsModelled}");
        text.AppendLine(CultureInfo.InvariantCulture, $"{_scenario.Registry}");
        foreach (Machine machine in _world.Engine.Machines)
            text.AppendLine(CultureInfo.InvariantCulture, $"{machine.Name} {machine.Address} at {machine.Place}, clock {machine.ClockSkew}");
        foreach (ScenarioStep step in _scenario.Steps)
            text.AppendLine(CultureInfo.InvariantCulture, $"step {step.Title}: {step}");
        return text.ToString();
    }
}
