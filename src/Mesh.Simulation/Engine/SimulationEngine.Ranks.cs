using Mesh.Simulation.Ranks;
using Mesh.Simulation.Underlay;

namespace Mesh.Simulation.Engine;

/// <content>Several processes that compute one world.</content>
public sealed partial class SimulationEngine
{
    private readonly RankMeetings? _ranks;
    private readonly List<RankReport> _reports = [];
    private bool _isStale;   // something has happened since the ranks told each other what is to be seen

    /// <summary>Whether other processes compute it, too.</summary>
    public bool HasRanks => _ranks is not null;

    /// <summary>How many processes compute it.</summary>
    public int Ranks => _ranks?.Count ?? 1;

    /// <summary>The number of this process.</summary>
    public int Rank => _ranks?.Rank ?? 0;

    /// <summary>Changes whenever something may have happened: what was asked at another moment may not be so any more.</summary>
    internal long Moment { get; private set; }

    /// <summary>The script does something to the world, at all ranks, though only one of them may compute what comes of it.</summary>
    internal void Touch()
    {
        if (_ranks is null || _areLanesRunning)
            return;
        _isStale = true;
        Moment++;
    }

    /// <summary>The script is about to look at something that one rank computes. All ranks call it at the same point, since all run the same script; what is part of the world does not.</summary>
    internal void Look()
    {
        if (!_isStale || _areLanesRunning)
            return;
        _isStale = false;
        _ranks!.Meet(MeetingKind.Look, Now, TellChanges, HearChanges);
    }

    /// <summary>Lets each rank say what it alone knows, and hear the others in the order of their ranks. All ranks call it at the same point. Without ranks, nothing.</summary>
    internal void Ask(Action<RankWriter> say, Action<RankReader> hear) => _ranks?.Meet(MeetingKind.Question, Now, say, hear);

    /// <summary>The sum of what each rank has.</summary>
    internal long SumOfRanks(long own)
    {
        long sum = own;
        Ask(writer => writer.Long(own), reader => sum += reader.Long());
        return sum;
    }

    internal int AddReport(RankReport report)
    {
        _reports.Add(report);
        return _reports.Count - 1;
    }

    private long Sum(Func<Lane, long> count) => SumOfRanks(_lanes.Sum(count));

    private ulong[] MachineDigests()
    {
        ulong[] digests = [.. _machines.Select(static machine => machine.DigestValue)];
        Ask(
            writer =>
            {
                for (int i = 0; i < digests.Length; i++)
                {
                    if (_machines[i].Lane.IsLocal)
                        writer.ULong(digests[i]);
                }
            },
            reader =>
            {
                for (int i = 0; i < digests.Length; i++)
                {
                    if (RankOf(_machines[i].Lane) == reader.From)
                        digests[i] = reader.ULong();
                }
            });
        return digests;
    }

    private int RankOf(Lane lane) => lane.Number % Ranks;

    // What has left goes to whom it is for, and the earliest event of all is where the next window begins.
    private TimeSpan? NextOfRanks(RankMeetings ranks)
    {
        TimeSpan next = TimeSpan.MaxValue;
        foreach (Lane lane in _lanes)
            next = Earliest(next, Earliest(lane.NextTime ?? TimeSpan.MaxValue, lane.FirstLeaving(_all)));
        TimeSpan ours = next;
        ranks.Meet(
            MeetingKind.Window,
            Now,
            (rank, writer) =>
            {
                writer.Time(ours);
                foreach (Lane to in _all)
                {
                    if (RankOf(to) != rank)
                        continue;
                    foreach (Lane lane in _lanes)
                        lane.WriteLeaving(to.Number, writer);
                }
            },
            reader =>
            {
                next = Earliest(next, reader.Time());
                foreach (Lane lane in _lanes)
                {
                    for (int from = 0; from < _lanes.Length; from++)   // each rank has as many
                        lane.ReadArriving(reader, _sources);
                }
            });
        return next == TimeSpan.MaxValue ? null : next;
    }

    private void TellChanges(RankWriter writer)
    {
        writer.Int(_lanes.Sum(static lane => lane.Changed.Count));
        foreach (Lane lane in _lanes)
        {
            foreach (RankReport report in lane.Changed)
            {
                report.Told();
                writer.Int(report.Number);
                report.Write(writer);
            }

            lane.Changed.Clear();
        }
    }

    private void HearChanges(RankReader reader)
    {
        for (int left = reader.Int(); left > 0; left--)
        {
            int number = reader.Int();
            if (number < 0 || number >= _reports.Count)
                throw reader.Wrong($"report {number} of {_reports.Count}");
            _reports[number].Read(reader);
        }
    }

    private static TimeSpan Earliest(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
