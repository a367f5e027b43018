using System.Net;

namespace Mesh.Benchmarks.Babel;

/// <summary>Our speaker and babeld on one link, with others that announce the same prefixes: both get the same packets at the same time.</summary>
/// <remarks>Split horizon is on, so they announce nothing but their own address; neither gives the kernel a route.</remarks>
internal sealed class BabelLan : IDisposable
{
    /// <summary>Length of the prefixes that are announced.</summary>
    public const byte PrefixLength = 64;

    private const int ToldReliably = 5_000;
    private const string Link = "lan";
    private const int Ours = 0, Theirs = 1, FirstSender = 2;
    private readonly BabelMachines _machines;
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("mesh-bench-");
    private readonly string _name;
    private readonly int _routes;
    private readonly OurDaemon _ours;
    private readonly BabeldDaemon _theirs;

    /// <summary>Starts all of them.</summary>
    public BabelLan(int prefixes, int senders)
    {
        _routes = (prefixes * senders) + 1;   // and each other's address
        _name = $"{prefixes} prefixes of {senders} neighbours";
        _machines = new BabelMachines(FirstSender + senders);
        try
        {
            int[] all = [.. Enumerable.Range(0, FirstSender + senders)];
            _machines.Join(Link, all);
            _ours = Start(Ours, 0);
            _theirs = new BabeldDaemon(_machines.Spaces[Theirs], _directory, installs: false, Link);
            OurDaemon[] others = [.. all.Skip(FirstSender).Select(sender => Start(sender, prefixes))];
            foreach (OurDaemon started in others.Prepend(_ours))
                started.AwaitReady();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>A prefix that is announced.</summary>
    public static UInt128 Prefix(int number) => new(0x2001_0db8_8000_0000 + (ulong)number, 0);

    /// <summary>Processor time so far.</summary>
    public (TimeSpan Ours, TimeSpan Theirs) ProcessorTime => (_ours.ProcessorTime(), _theirs.ProcessorTime());

    /// <summary>Whether both know all routes. Of a large table babeld may not tell the end: then it counts that ours, which gets the same packets, has all.</summary>
    public bool IsLearned => _ours.Routes() == _routes && _theirs.Routes() is var theirs && (theirs == _routes || (theirs < 0 && _routes > ToldReliably));

    /// <inheritdoc/>
    public override string ToString() => $"{_name}: our speaker knows {_ours.Routes()} routes and babeld {_theirs.Routes()} of {_routes}";

    /// <inheritdoc/>
    public void Dispose()
    {
        _machines.Dispose();
        _directory.Delete(recursive: true);
    }

    private OurDaemon Start(int machine, int prefixes)
    {
        IPAddress own = BabelMachines.Own(machine);
        return new OurDaemon(_machines.Spaces[machine], BabelMachines.LinkLocal(machine), own, prefixes, installs: false, Link);
    }
}
