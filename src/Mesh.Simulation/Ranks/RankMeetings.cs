namespace Mesh.Simulation.Ranks;

/// <summary>What a meeting is for.</summary>
internal enum MeetingKind : byte
{
    /// <summary>Packets are handed over, and the next window is found.</summary>
    Window = 1,

    /// <summary>The script looks at what has changed.</summary>
    Look = 2,

    /// <summary>Each says what it alone knows.</summary>
    Question = 3,
}

/// <summary>The meetings of the ranks of a simulation. Each message says which meeting it is for, so that ranks that have come apart notice it at once.</summary>
/// <remarks>Message: <c>kind u8 | number of the meeting u64 | virtual time i64, 100 ns | what it is about</c>, little-endian.</remarks>
internal sealed class RankMeetings
{
    private readonly IRankLink _link;
    private readonly RankWriter[] _writers;
    private readonly ReadOnlyMemory<byte>[] _messages;
    private ulong _number;

    public RankMeetings(IRankLink link)
    {
        _link = link;
        _writers = [.. Enumerable.Range(0, link.Count).Select(static _ => new RankWriter())];
        _messages = new ReadOnlyMemory<byte>[link.Count];
    }

    /// <summary>Who we are.</summary>
    public int Rank => _link.Rank;

    /// <summary>How many there are.</summary>
    public int Count => _link.Count;

    /// <summary>Says the same to all others, and hears them in the order of their ranks.</summary>
    public void Meet(MeetingKind kind, TimeSpan now, Action<RankWriter> say, Action<RankReader> hear)
    {
        RankWriter writer = _writers[Rank];
        Begin(writer, kind, now);
        say(writer);
        Array.Fill(_messages, Checked(writer));
        Hear(kind, now, hear);
    }

    /// <summary>Says something else to each, and hears them in the order of their ranks.</summary>
    public void Meet(MeetingKind kind, TimeSpan now, Action<int, RankWriter> say, Action<RankReader> hear)
    {
        for (int rank = 0; rank < Count; rank++)
        {
            if (rank == Rank)
                continue;
            Begin(_writers[rank], kind, now);
            say(rank, _writers[rank]);
            _messages[rank] = Checked(_writers[rank]);
        }

        Hear(kind, now, hear);
    }

    private void Begin(RankWriter writer, MeetingKind kind, TimeSpan now)
    {
        writer.Clear();
        writer.Byte((byte)kind);
        writer.ULong(_number);
        writer.Time(now);
    }

    private static ReadOnlyMemory<byte> Checked(RankWriter writer) => writer.Written.Length <= IRankLink.MaxMessage
        ? writer.Written
        : throw new InvalidOperationException($"a message from rank to rank has {writer.Written.Length} octets, and may have {IRankLink.MaxMessage}");

    private void Hear(MeetingKind kind, TimeSpan now, Action<RankReader> hear)
    {
        IReadOnlyList<ReadOnlyMemory<byte>> heard = _link.Exchange(_messages);
        for (int rank = 0; rank < Count; rank++)
        {
            if (rank == Rank)
                continue;
            var reader = new RankReader(heard[rank], rank);
            (byte Kind, ulong Number, TimeSpan Now) theirs = (reader.Byte(), reader.ULong(), reader.Time());
            if (theirs != ((byte)kind, _number, now))
            {
                throw new InvalidDataException(
                    $"the ranks have come apart: rank {Rank} is at {now.TotalSeconds:0.0000000} s, meeting {_number} ({kind}), and rank {rank} at {theirs.Now.TotalSeconds:0.0000000} s, meeting {theirs.Number} ({(MeetingKind)theirs.Kind})");
            }

            hear(reader);
            if (reader.Left > 0)
                throw reader.Wrong($"{reader.Left} octets more than were expected");
        }

        _number++;
    }
}
