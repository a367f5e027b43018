using System.Globalization;
using Mesh.Actors;
using Mesh.Protocol.Addressing;
using Mesh.Registry.Geography;
using Mesh.Registry.Parameters;
using Mesh.Registry.Prefixes;
using Mesh.Registry.Revocation;
using Mesh.Registry.Tests.Geography;

namespace Mesh.Registry.Tests;

/// <summary>What holds after whatever happens to a registry. The seed of a failure is in the test's name.</summary>
public sealed class PropertyTests
{
    private const string Network = "2001:db8:42::/112";   // 16 bits for the nodes, so that it fills up, single addresses are given out, and prefixes are reserved

    public static TheoryData<ulong, bool> Seeds => new() { { 1, false }, { 2, true }, { 3, false }, { 4, true } };

    [Theory, MemberData(nameof(Seeds))]
    public void Whatever_happens_nothing_overlaps_and_no_number_comes_twice(ulong seed, bool hasCommunities)
    {
        var life = new Life(seed, hasCommunities);
        for (int step = 0; step < 2_500; step++)
        {
            life.Step();
            life.Check();
        }

        life.AssertThatMuchHappened();
        life.AssertThatEverythingComesBack();
    }

    /// <summary>The tree alone, where the last node can go, too.</summary>
    [Theory]
    [InlineData(1ul)]
    [InlineData(2ul)]
    public void When_all_are_gone_all_but_the_reserved_addresses_are_free_in_the_largest_pieces(ulong seed)
    {
        var random = new DeterministicRandom(seed);
        var tree = new PrefixTree(NetworkPrefix.Parse(Network));
        var owned = new List<NodePrefix>();
        for (int step = 0; step < 10_000; step++)
        {
            if (random.Next(100) == 0)
                tree.Merge();
            if (owned.Count > 0 && random.Next(5) < 2)
            {
                tree.Release(Remove(owned, random));
                continue;
            }

            NodePrefix community = random.Next(3) == 0 ? new NodePrefix((UInt128)random.Next(4), 2) : NodePrefix.Empty;
            int length = random.Next(1, 17 - community.Length);
            if (tree.TryAllocate(length, community, out NodePrefix prefix) != AllocationOutcome.Allocated)
                continue;
            Assert.True(community.Covers(prefix) && prefix.Length == length + community.Length);
            Assert.NotEqual(UInt128.Zero, prefix.Length == 16 ? prefix.Value & ((UInt128.One << length) - 1) : UInt128.One);
            owned.Add(prefix);
        }

        while (owned.Count > 0)
            tree.Release(Remove(owned, random));
        tree.Merge();
        Assert.NotEmpty(tree.Reserved);

        UInt128 free = tree.Free.Aggregate(UInt128.Zero, static (sum, leaf) => sum + (UInt128.One << (16 - leaf.Length)));
        Assert.Equal((UInt128.One << 16) - (UInt128)tree.Reserved.Count, free);
        Assert.DoesNotContain(tree.Free, leaf => tree.Free.Contains(leaf.Sibling));
    }

    [Theory]
    [InlineData(3ul)]
    [InlineData(4ul)]
    public void When_all_are_gone_and_none_was_a_single_address_the_tree_is_one_free_root(ulong seed)
    {
        var random = new DeterministicRandom(seed);
        var tree = new PrefixTree(NetworkPrefix.Parse(Network));
        var owned = new List<NodePrefix>();
        for (int step = 0; step < 10_000; step++)
        {
            if (owned.Count > 0 && random.Next(5) < 2)
                tree.Release(Remove(owned, random));
            else if (tree.TryAllocate(random.Next(1, 14), random.Next(2) == 0 ? NodePrefix.ParseBits("10") : NodePrefix.Empty, out NodePrefix prefix) == AllocationOutcome.Allocated)
                owned.Add(prefix);
        }

        while (owned.Count > 0)
            tree.Release(Remove(owned, random));
        tree.Merge();
        Assert.Equal([NodePrefix.Empty], tree.Free);
        Assert.Empty(tree.Reserved);
    }

    private static T Remove<T>(List<T> list, DeterministicRandom random)
    {
        int index = random.Next(list.Count);
        T removed = list[index];
        list[index] = list[^1];
        list.RemoveAt(list.Count - 1);
        return removed;
    }

    /// <summary>A registry that lives through anything, and what somebody who watches it from outside knows about it.</summary>
    private sealed class Life
    {
        private static readonly TimeSpan Day = TimeSpan.FromDays(1);

        private readonly DeterministicRandom _random;
        private readonly Dictionary<ulong, string> _issued = [];              // every certificate that anybody ever got, by X.509 serial number
        private readonly Dictionary<ulong, DateTimeOffset> _revoked = [];     // and the end of those that were revoked
        private readonly SortedDictionary<string, DateTimeOffset> _tokens = new(StringComparer.Ordinal);   // those that nobody used or deleted, and their ends
        private readonly Dictionary<string, int> _counts = new(StringComparer.Ordinal);
        private readonly NodePrefix _registryNode;
        private RegistryWorld _world;
        private ulong _version;
        private int _steps;

        public Life(ulong seed, bool hasCommunities)
        {
            _random = new DeterministicRandom(seed);
            NetworkPrefix network = NetworkPrefix.Parse(Network);
            Communities? communities = null;
            if (hasCommunities)
                Assert.True(Communities.TryParse("00 FR\n01 DE\n100 JP\n11 *\n", network, out communities, out _));
            var options = new RegistryOptions { Communities = communities, PrefixLength = 8, SnapshotInterval = 50, AdvertisementLifetime = Day };
            _world = new RegistryWorld(options, new ModelledAuthority(Network), seed: seed, ports: static (_, ports) => ports with { Countries = new FakeCountries() });
            _registryNode = Keep(_world.Join("registry", length: 9)).Prefix;
            _world.Kit.Advance(TimeSpan.FromSeconds(1));
        }

        public void Step()
        {
            _steps++;
            switch (_random.Next(16))
            {
                case < 5:
                    Join();
                    break;
                case 5 or 6 when Node() is { } node:
                    Renew(node);
                    break;
                case 7 or 8 when Node() is { } node:
                    Revoke(node, node.Prefix.CommonName, "by name");
                    break;
                case 9 when Node() is { } node:
                    Revoke(node, node.Serial.ToString(CultureInfo.InvariantCulture), "by serial");
                    break;
                case 10 when Node() is { } node:
                    Revoke(node, node.Serial.ToString(CultureInfo.InvariantCulture), "renewable");
                    break;
                case 11 when _tokens.Count > 0:
                    string token = _tokens.Keys.ElementAt(_random.Next(_tokens.Count));
                    _world.Ask<Done>(new DeleteToken(token));
                    Assert.True(_tokens.Remove(token));
                    _world.Ask<UnknownToken>(new RequestCertificate(token, "another request"));
                    Count("token deleted");
                    break;
                case 12 when _random.Next(10) == 0:
                    _world = _random.Next(2) == 0 ? _world.Restart() : _world.Crash((ulong)_steps);   // what was answered is durable, so nothing may be missing
                    Count("restart");
                    break;
                case 13 when _random.Next(40) == 0:
                    Jump(_random.NextTimeSpan(40 * Day, 500 * Day));
                    break;
                default:
                    Jump(_random.NextTimeSpan(TimeSpan.Zero, Day));
                    break;
            }
        }

        public void Check()
        {
            IReadOnlyList<RegisteredNode> nodes = _world.Nodes;
            var numbers = new HashSet<int>();
            NodePrefix before = default;
            foreach (RegisteredNode node in nodes)   // in the order of the bits, so only neighbours can overlap
            {
                Assert.False(!before.IsEmpty && before.Covers(node.Prefix), $"{before} overlaps {node.Prefix}");
                Assert.True(numbers.Add(node.SubjectSerial), $"two nodes have number {node.SubjectSerial}");
                Assert.Equal(_issued[node.Serial], node.Pem);
                before = node.Prefix;
            }

            Assert.Contains(nodes, node => node.Prefix == _registryNode);
            if (_steps % 10 != 0)
                return;
            IEnumerable<KeyValuePair<string, Token>> tokens = _world.Ask<TokenList>(new ListTokens()).Tokens.Where(token => token.Value.Expires > _world.UtcNow);
            Assert.Equal(_tokens.Where(token => token.Value > _world.UtcNow), tokens.Select(static token => KeyValuePair.Create(token.Key, token.Value.Expires)));
            _world.Kit.Advance(TimeSpan.FromSeconds(1));
            CheckRevocations(nodes);
        }

        public void AssertThatMuchHappened()
        {
            foreach (string what in new[] { "joined", "full", "renewed", "by name", "by serial", "renewable", "token deleted", "token expired", "restart", "jump", "single address" })
                Assert.True(_counts.GetValueOrDefault(what) >= 3, $"{what} only {_counts.GetValueOrDefault(what)} times");
            Assert.True(_counts["joined"] > 100);
        }

        /// <summary>Everybody but the registry's own node goes. Then what is free has no smaller pieces than it must have.</summary>
        public void AssertThatEverythingComesBack()
        {
            foreach (RegisteredNode node in _world.Nodes.Where(node => node.Prefix != _registryNode))
                Revoke(node, node.Prefix.CommonName, "by name");
            Assert.Equal(_registryNode, Assert.Single(_world.Nodes).Prefix);
            foreach (string token in _tokens.Keys)
                _world.Ask<Done>(new DeleteToken(token));
            _world = _world.Restart();

            // The siblings of the way down to it, in one piece each. Communities only matter to those who join by them.
            RegistryWorld plain = _world.Restart(_world.Options with { Communities = null });
            for (NodePrefix at = _registryNode; !at.IsEmpty; at = at.Parent)
            {
                _ = plain.AddToken("last", length: at.Length);
                Assert.Equal(at.Sibling, plain.Ask<CertificateGiven>(new RequestCertificate("last", $"last {at.Length}")).Prefix);
            }

            _ = plain.AddToken("more", length: 16);
            plain.Ask<NetworkFull>(new RequestCertificate("more", "more"));
        }

        private void Join()
        {
            string token = string.Create(CultureInfo.InvariantCulture, $"t{_steps}");
            int length = _random.Next(4) == 0 ? _random.Next(1, 17) : _random.Next(8, 15);
            if (_world.Options.Communities is not null)
                length = Math.Max(1, length - _random.Next(4));
            TokenAccepted accepted = _world.Ask<TokenAccepted>(new AddToken("a@b", token) { PrefixLength = length });
            _tokens.Add(token, accepted.Expires);
            if (_random.Next(5) == 0)
                return;   // never used, or deleted later
            string location = new[] { "FR,EU", "DE,EU", "JP,AS", "", "US,NA" }[_random.Next(5)];
            switch (_world.Ask<RegistryAnswer>(new RequestCertificate(token, $"request {token}", location)))
            {
                case CertificateGiven given:
                    _ = _tokens.Remove(token);
                    Count("joined");
                    CheckPlace(given.Prefix, location, length);
                    _ = Keep(given);
                    break;
                case NetworkFull:
                    Count("full");
                    break;
                case RegistryAnswer other:
                    Assert.Fail($"joining was answered {other}");
                    break;
            }
        }

        private void CheckPlace(NodePrefix prefix, string location, int length)
        {
            NodePrefix community = _world.Options.Communities?.Choose(Country.ParseLocation(location)) ?? NodePrefix.Empty;
            Assert.True(community.Covers(prefix), $"{prefix} is not in community {community}");
            Assert.Equal(community.Length + length, prefix.Length);
            if (prefix.Length < 16)
                return;
            Count("single address");
            Assert.NotEqual(UInt128.Zero, prefix.Value & ((UInt128.One << length) - 1));   // all zero would be the anycast address
        }

        private void Renew(RegisteredNode node)
        {
            RegistryAnswer answer = _world.Ask<RegistryAnswer>(new RenewCertificate(node.Prefix));
            if (node.IsExcluded)
            {
                Assert.IsType<NoCertificate>(answer);
                return;
            }

            CertificateGiven given = Keep(Assert.IsType<CertificateGiven>(answer));
            Assert.Equal(node.Prefix, given.Prefix);
            bool isDue = node.NotAfter - _world.UtcNow < 30 * Day;
            if (isDue)
                Assert.NotEqual(node.Pem, given.Pem, StringComparer.Ordinal);
            else if (!_revoked.ContainsKey(node.Serial))
                Assert.Equal(node.Pem, given.Pem);
            else
                Assert.Equal(node.NotAfter, _world.Nodes.Single(n => n.Prefix == node.Prefix).NotAfter);   // no longer than the revoked one
            if (node.Pem != given.Pem)
                Count("renewed");
        }

        private void Revoke(RegisteredNode node, string what, string how)
        {
            RegistryAnswer answer = _world.Ask<RegistryAnswer>(new Revoke(what) { IsRenewable = how == "renewable" });
            if (node.Prefix == _registryNode && how != "renewable")
            {
                Assert.IsType<Refused>(answer);
                return;
            }

            Assert.IsType<Done>(answer);
            Count(how);
            if (node.NotAfter > _world.UtcNow)
                _revoked[node.Serial] = node.NotAfter;
            RegistryAnswer after = _world.Ask<RegistryAnswer>(new GetCertificate(node.Prefix));
            Assert.Equal(how == "renewable" && !node.IsExcluded, after is CertificateFound);
            Assert.Equal(how == "by name", _world.Nodes.All(other => other.Prefix != node.Prefix));
        }

        private void Jump(TimeSpan duration)
        {
            _world.Kit.Advance(duration);
            foreach (string token in _tokens.Where(token => token.Value <= _world.UtcNow).Select(static token => token.Key).ToList())
            {
                _world.Ask<UnknownToken>(new RequestCertificate(token, "too late"));
                _ = _tokens.Remove(token);
                Count("token expired");
            }

            Count("jump");
        }

        // The list has what was revoked and has not ended, and nothing else; the version grows; the parameters say the same.
        private void CheckRevocations(IReadOnlyList<RegisteredNode> nodes)
        {
            foreach ((ulong serial, RevokedCertificate entry) in _world.Ask<RevocationList>(_world.Actors.Crl, new GetRevocations()).Entries)
            {
                Assert.Equal(_revoked[serial], entry.NotAfter);
                Assert.True(entry.NotAfter > _world.UtcNow - TimeSpan.FromHours(1));
            }

            PublishedParameters published = _world.Ask<PublishedParameters>(_world.Actors.Parameters, new GetPublished());
            Assert.True(published.Number >= _version, $"version {published.Number} after {_version}");
            _version = published.Number;
            foreach ((ulong serial, DateTimeOffset end) in _revoked)
                Assert.True(end <= _world.UtcNow || published.Parameters!.RevokedSerials.Contains(serial), $"{serial} is missing in the list");
            Assert.All(nodes.Where(static node => node.IsExcluded), node => Assert.True(_revoked.ContainsKey(node.Serial) || node.NotAfter <= _world.UtcNow));
        }

        private RegisteredNode? Node() => _world.Nodes is { Count: > 0 } nodes ? nodes[_random.Next(nodes.Count)] : null;

        // The same number is only ever seen on the same certificate.
        private CertificateGiven Keep(CertificateGiven given)
        {
            ulong serial = ulong.Parse(given.Pem.Split(' ')[3], CultureInfo.InvariantCulture);
            if (!_issued.TryAdd(serial, given.Pem))
                Assert.Equal(_issued[serial], given.Pem);
            return given;
        }

        private void Count(string what) => _counts[what] = _counts.GetValueOrDefault(what) + 1;
    }
}
