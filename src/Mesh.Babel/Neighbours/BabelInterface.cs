using Mesh.Babel.Sending;

namespace Mesh.Babel.Neighbours;

/// <summary>One interface that the speaker uses (RFC 8966 section 3.2.3).</summary>
internal sealed class BabelInterface(InterfaceId id, InterfaceParameters parameters)
{
    /// <summary>Its name.</summary>
    public InterfaceId Id { get; } = id;

    /// <summary>Its parameters, which do not change.</summary>
    public InterfaceParameters Parameters { get; } = parameters;

    /// <summary>Number of the next multicast Hello.</summary>
    public Seqno HelloSeqno { get; set; }

    /// <summary>When the next scheduled Hello leaves.</summary>
    public TimeSpan NextHello { get; set; }

    /// <summary>When the next full update starts.</summary>
    public TimeSpan NextDump { get; set; }

    /// <summary>Extra packets still to be sent because the interface, or a neighbour on it, is new.</summary>
    public int BurstLeft { get; set; }

    /// <summary>When the next of them leaves.</summary>
    public TimeSpan NextBurst { get; set; } = TimeSpan.MaxValue;

    /// <summary>Whether the burst is that of a new interface, which also clears what peers remember of a previous run.</summary>
    public bool IsStarting { get; set; }

    /// <summary>Whether an Update of this run has left here, to all or to one neighbour.</summary>
    public bool HasAnnounced { get; set; }

    /// <summary>When the last burst for a new neighbour began; null where there was none. Bounds what forged sources can make us send.</summary>
    public TimeSpan? LastBurst { get; set; }

    /// <summary>Neighbours heard here, in the order of their discovery.</summary>
    public List<Neighbour> Neighbours { get; } = [];

    /// <summary>TLVs to be multicast at the end of the current input.</summary>
    public ControlQueue Control { get; } = new();

    /// <summary>Updates to be multicast.</summary>
    public UpdateQueue Updates { get; } = new();

    /// <summary>The interval announced in Updates, in centiseconds.</summary>
    public ushort UpdateCentiseconds { get; } = Wire.Centiseconds.From(parameters.EffectiveUpdateInterval);

    /// <summary>The interval announced in Hellos, in centiseconds.</summary>
    public ushort HelloCentiseconds { get; } = Wire.Centiseconds.From(parameters.HelloInterval);

    /// <summary>The interval announced in IHUs: three Hellos.</summary>
    public ushort IhuCentiseconds { get; } = Wire.Centiseconds.From(parameters.HelloInterval * 3);

    /// <summary>The neighbour with this address, or null.</summary>
    public Neighbour? Find(BabelAddress address)
    {
        foreach (Neighbour neighbour in Neighbours)
        {
            if (neighbour.Address == address)
                return neighbour;
        }

        return null;
    }
}
