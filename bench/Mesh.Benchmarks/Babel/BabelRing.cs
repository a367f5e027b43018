using System.Globalization;
using Mesh.Platform.Linux.Netlink;

namespace Mesh.Benchmarks.Babel;

/// <summary>Ten machines in a circle that all run the same speaker, which gives the kernel its routes; one link is cut, and nothing but the silence tells.</summary>
internal sealed class BabelRing : IDisposable
{
    /// <summary>Number of machines.</summary>
    public const int Size = 10;

    private const string Bridge = "cut";
    private const int Left = 1, Right = 8;   // neighbours of the cut link's ends, 0 and 9

    private readonly BabelMachines _machines = new(Size);
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("mesh-bench-");

    /// <summary>Starts it.</summary>
    /// <param name="isOurs">Our speaker, or babeld.</param>
    public BabelRing(bool isOurs)
    {
        Name = isOurs ? "our speaker" : "babeld";
        try
        {
            _machines.Join(Bridge, [Size - 1, 0]);
            for (int machine = 0; machine + 1 < Size; machine++)
                _machines.Join(LinkAfter(machine), machine, machine + 1);
            BabelDaemon[] started = [.. Enumerable.Range(0, Size).Select(machine => Start(isOurs, machine))];
            foreach (OurDaemon daemon in started.OfType<OurDaemon>())
                daemon.AwaitReady();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Who runs in it.</summary>
    public string Name { get; }

    /// <summary>Cuts the link.</summary>
    public void Cut() => _machines.Cut(Bridge, 0);

    /// <summary>Whether the kernels take the shorter way, over the link that will be cut, in both directions.</summary>
    public bool TakesShortWay => Goes(Left, LinkAfter(0), Right) && Goes(Right, LinkAfter(Right), Left);

    /// <summary>Begins to send pings past the link that will be cut.</summary>
    public RingProbe StartProbe() => new(_machines.Spaces[Left], BabelMachines.Own(Left), BabelMachines.Own(Right));

    /// <inheritdoc/>
    public void Dispose()
    {
        _machines.Dispose();
        _directory.Delete(recursive: true);
    }

    private static string LinkAfter(int machine) => string.Create(CultureInfo.InvariantCulture, $"ring{machine}");

    private bool Goes(int from, string link, int to) => _machines.Spaces[from].Run(() =>
    {
        using var netlink = RouteNetlink.Open();
        int index = netlink.GetLink(link).Index;
        return netlink.Routes().Any(route => route.Prefix.Equals(BabelMachines.Own(to)) && route.Link == index);
    });

    private BabelDaemon Start(bool isOurs, int machine)
    {
        string before = machine == 0 ? Bridge : LinkAfter(machine - 1), after = machine == Size - 1 ? Bridge : LinkAfter(machine);
        return isOurs
            ? new OurDaemon(_machines.Spaces[machine], BabelMachines.LinkLocal(machine), BabelMachines.Own(machine), 0, installs: true, before, after)
            : new BabeldDaemon(_machines.Spaces[machine], _directory, installs: true, before, after);
    }
}
