using System.Net;
using Mesh.Actors;
using Mesh.Node;
using Mesh.Protocol.Addressing;
using Mesh.Registry;
using Mesh.Simulation.Engine;
using Mesh.Simulation.Ranks;
using Mesh.Simulation.Underlay;

namespace Mesh.Simulation.World;

/// <summary>A whole overlay in one process: a registry, sites with or without NAT, and nodes.</summary>
public sealed class SimulatedNetwork
{
    /// <summary>Name of the registry's machine.</summary>
    public const string RegistryName = "registry";

    /// <summary>Name of the machine of the registry's node: another program on the same computer.</summary>
    public const string RegistryNodeName = "registry-node";

    private readonly DeterministicRandom _random;
    private readonly NetworkPrefix _network;
    private readonly NodeOptions _nodeOptions;
    private readonly SiteOptions _registrySite;
    private readonly double _diameter;
    private readonly ILogSink? _log;
    private readonly SimulatedCryptography _cryptography;
    private readonly List<SimulatedNode> _nodes = [];
    private readonly HashSet<Place> _taken = [];   // of those models that have a number of them
    private UnderlayNode? _onLan;
    private int _publicAddresses;
    private int _publicIpv6Addresses;
    private int _sites;

    /// <summary>Makes a world with a registry that is switched on.</summary>
    /// <param name="seed">Everything random in the world follows from it.</param>
    /// <param name="network">The overlay network.</param>
    /// <param name="internet">How packets are treated.</param>
    /// <param name="diameter">Machines stand at random in a square with this side, in milliseconds of one-way delay.</param>
    /// <param name="registry">Settings of the registry, and so of the network.</param>
    /// <param name="node">Settings of the nodes.</param>
    /// <param name="expectedNodes">How many nodes may join.</param>
    /// <param name="log">Where all logs go, or null.</param>
    /// <param name="cryptography">What the machines sign and encrypt with; null for that of real machines.</param>
    /// <param name="registrySite">Where the registry stands, and the node beside it.</param>
    /// <param name="workers">How many threads compute it; what happens does not depend on it.</param>
    /// <param name="ranks">The other processes that compute it, or null; what happens does not depend on them either.</param>
    public SimulatedNetwork(
        ulong seed, NetworkPrefix network, InternetOptions internet, double diameter, RegistryOptions registry, NodeOptions node, int expectedNodes, ILogSink? log = null,
        SimulatedCryptography? cryptography = null, SiteOptions? registrySite = null, int workers = 1, IRankLink? ranks = null)
    {
        _random = new DeterministicRandom(seed);
        (_network, _nodeOptions, _diameter, _log, _cryptography) = (network, node, diameter, log, cryptography ?? SimulatedCryptography.Real);
        Engine = new SimulationEngine(workers, ranks) { Lookahead = internet.BaseLatency };
        Internet = new Internet(Engine, internet);
        Machine machine = AddPublicMachine(RegistryName, _registrySite = registrySite ?? SiteOptions.Anywhere);
        Registry = new SimulatedRegistry(machine, network, registry, _cryptography, Engine.Epoch, expectedNodes);
        Registry.Boot(LogOf(machine));
    }

    /// <summary>Time and order.</summary>
    public SimulationEngine Engine { get; }

    /// <summary>The underlay.</summary>
    public Internet Internet { get; }

    /// <summary>The registry.</summary>
    public SimulatedRegistry Registry { get; }

    /// <summary>The nodes in order of their making, running or not.</summary>
    public IReadOnlyList<SimulatedNode> Nodes => _nodes;

    /// <summary>The overlay network.</summary>
    public NetworkPrefix Network => _network;

    /// <summary>The node on the registry's computer, or null where there is none.</summary>
    public SimulatedNode? RegistryNode { get; private set; }

    /// <summary>Adds a node on the registry's computer. It has to join before all others: the registry tells its news to the node that joined first.</summary>
    /// <exception cref="InvalidOperationException">There are nodes already.</exception>
    public SimulatedNode AddRegistryNode()
    {
        if (_nodes.Count > 0)
            throw new InvalidOperationException("the registry's node comes before all others");
        Machine machine = AddPublicMachine(RegistryNodeName, _registrySite with { Place = Registry.Machine.Place, ClockSkew = TimeSpan.Zero }, Registry.Machine);
        machine.ClockSkew = Registry.Machine.ClockSkew;   // it is one computer
        Registry.Machine.PutBeside(machine);
        AddNode(machine, SiteOptions.Anywhere);
        return RegistryNode = _nodes[0];
    }

    /// <summary>Adds nodes with public addresses, each with a line of its own.</summary>
    public void AddPublicNodes(string site, int count, SiteOptions? options = null)
    {
        options ??= SiteOptions.Anywhere;
        if (options.IsLan)   // then its machines stand at one place
            options = options with { Place = options.Place ?? RandomPlace() };
        LanSegment? lan = options.IsLan ? new LanSegment() : null;
        for (int i = 1; i <= count; i++)
        {
            Machine machine = AddPublicMachine($"{site}-{i}", options, BesideOf(options));
            lan?.Plug(machine);
            AddNode(machine, options);
            _onLan ??= lan is null ? null : machine;
        }
    }

    /// <summary>Adds a site behind a NAT box.</summary>
    /// <param name="site">Its name.</param>
    /// <param name="count">How many nodes.</param>
    /// <param name="mapsPorts">Whether the box maps ports for them.</param>
    /// <param name="options">Where and of which kind, with one line for all.</param>
    public void AddNatSite(string site, int count, bool mapsPorts = false, SiteOptions? options = null)
    {
        options ??= SiteOptions.Anywhere;
        int number = ++_sites;
        NatBox? carrier = options.HasCarrierNat ? AddCarrierNat(site, options) : null;
        IPAddress outer = carrier is null ? NextPublicAddress() : new IPAddress([100, 64, 0, 1]);   // RFC 6598; each carrier has one customer here
        var box = new NatBox(Engine, Internet, $"{site}-nat", outer, carrier?.Place ?? options.Place ?? RandomPlace(), _random.Fork(), carrier, BesideOf(options))
        {
            MapsAt = mapsPorts ? new IPAddress([10, (byte)(number >> 8), (byte)number, 254]) : null,
            Kind = options.NatKind,
            MappingLifetime = options.NatTimeout,
        };
        if (carrier is null)
            Plug(box, options);
        LanSegment? lan = options.IsLan ? new LanSegment() : null;
        _onLan ??= lan is null ? null : box;
        for (int i = 1; i <= count; i++)
        {
            var address = new IPAddress([10, (byte)(number >> 8), (byte)number, (byte)i]);
            Machine machine = Skewed(new Machine(Engine, Internet, $"{site}-{i}", address, box.Place, box, _random.Fork()), options);
            if (options.Underlay == UnderlayFamily.Both)
            {
                machine.SetAccess(options.Access);
                machine.AttachOther(NextPublicIpv6Address());
            }

            lan?.Plug(machine);
            AddNode(machine, options);
        }
    }

    // LANs may become one, and between machines on a LAN packets take less than between sites: so all LANs are computed together.
    private UnderlayNode? BesideOf(SiteOptions options) => options.IsLan ? _onLan : null;

    private NatBox AddCarrierNat(string site, SiteOptions options)
    {
        var box = new NatBox(Engine, Internet, $"{site}-carrier", NextPublicAddress(), options.Place ?? RandomPlace(), _random.Fork(), beside: BesideOf(options))
        {
            Kind = options.NatKind,
            MappingLifetime = options.NatTimeout,
        };
        Plug(box, options);
        return box;
    }

    /// <summary>Switches a node on.</summary>
    public void Boot(SimulatedNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        node.Boot(LogOf(node.Machine));
    }

    /// <summary>Switches the registry on again.</summary>
    public void BootRegistry() => Registry.Boot(LogOf(Registry.Machine));

    /// <summary>The node with that name.</summary>
    public SimulatedNode? Find(string name) => _nodes.Find(n => n.Machine.Name == name);

    /// <summary>A random source for the scenario's own choices.</summary>
    public DeterministicRandom ForkRandom() => _random.Fork();

    private MachineLog? LogOf(Machine machine) => _log is null ? null : new MachineLog(machine.Name, _log);

    private void AddNode(Machine machine, SiteOptions site) => _nodes.Add(new SimulatedNode(machine, Registry, _cryptography, _nodes.Count, site.Apply(_nodeOptions)));

    private Machine AddPublicMachine(string name, SiteOptions options, UnderlayNode? beside = null)
    {
        IPAddress address = options.Underlay == UnderlayFamily.Ipv6 ? NextPublicIpv6Address() : NextPublicAddress();
        var machine = new Machine(Engine, Internet, name, address, options.Place ?? RandomPlace(), nat: null, _random.Fork(), beside);
        Plug(machine, options);
        if (options.Underlay == UnderlayFamily.Both)
            machine.AttachOther(NextPublicIpv6Address());
        return Skewed(machine, options);
    }

    private void Plug(UnderlayNode node, SiteOptions options)
    {
        node.SetAccess(options.Access);
        Internet.Attach(node);
    }

    private Machine Skewed(Machine machine, SiteOptions options)
    {
        if (options.ClockSkew > TimeSpan.Zero)
            machine.ClockSkew = options.ClockSkew * ((2 * _random.NextDouble()) - 1);
        return machine;
    }

    // 3fff::/20 is for documentation (RFC 9637). Each machine has a /64, as each site does.
    private IPAddress NextPublicIpv6Address()
    {
        int number = ++_publicIpv6Addresses;
        return new IPAddress([0x3f, 0xff, 0, 0, 0, (byte)(number >> 16), (byte)(number >> 8), (byte)number, 0, 0, 0, 0, 0, 0, 0, 1]);
    }

    // 198.18.0.0/15 is for benchmarks (RFC 2544), so it is nobody's.
    private IPAddress NextPublicAddress()
    {
        int number = ++_publicAddresses;
        return new IPAddress([198, (byte)(18 + (number >> 16)), (byte)(number >> 8), (byte)number]);
    }

    private Place RandomPlace()
    {
        LatencyModel model = Internet.Options.Latency;
        Place place = model.Draw(_random, _diameter);
        if (model.Places is { } places)
        {
            while (_taken.Count < places && !_taken.Add(place))
                place = model.Draw(_random, _diameter);
        }

        return place;
    }
}
