using System.Diagnostics;
using System.Net;
using System.Text;
using Mesh.Actors;
using Mesh.Registry.Geography;

namespace Mesh.Registry.Tests.Geography;

public sealed class CountryDatabaseTests
{
    public static TheoryData<int, bool> Forms => new() { { 24, false }, { 28, false }, { 32, false }, { 24, true }, { 28, true }, { 32, true } };

    [Theory, MemberData(nameof(Forms))]
    public void Reads_what_the_writer_of_MaxMind_wrote(int recordBits, bool isIpv6)
    {
        CountryDatabase database = Open(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "vectors", "countries", $"writer-{(isIpv6 ? 6 : 4)}-{recordBits}.mmdb")));
        Assert.Equal($"Test-Country-{(isIpv6 ? 6 : 4)}-{recordBits}", database.Type);
        Assert.Equal(2026, database.BuiltAt.Year);
        Assert.Equal(new Country("FR", "EU"), Find(database, "192.0.2.0"));
        Assert.Equal(new Country("FR", "EU"), Find(database, "192.0.2.127"));
        Assert.Equal(new Country("DE", "EU"), Find(database, "192.0.2.128"));
        Assert.Null(Find(database, "192.0.2.129"));
        Assert.Equal(new Country("", "EU"), Find(database, "198.51.100.7"));
        Assert.Null(Find(database, "203.0.113.1"));   // it has a registered_country only
        Assert.Equal(isIpv6 ? new Country("JP", "AS") : null, Find(database, "2001:db8:7fff::1"));
        Assert.Equal(isIpv6 ? new Country("US", "NA") : null, Find(database, "2001:db8:8000::1"));
        Assert.Null(Find(database, "2001:db8:8000::2"));
        Assert.Equal(new Country("FR", "EU"), Find(database, "::ffff:192.0.2.1"));
        Assert.Equal(isIpv6 ? new Country("FR", "EU") : null, Find(database, "::192.0.2.1"));
    }

    [Theory]
    [InlineData(null)]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Follows_pointers_of_every_size(int? size)
    {
        CountryDatabase database = Open(new DatabaseWriter { PointerSize = size }.Add("192.0.2.0/24", "FR", "EU").Add("2001:db8::/32", "JP", "AS").Write());
        Assert.Equal(new Country("FR", "EU"), Find(database, "192.0.2.1"));
        Assert.Equal(new Country("JP", "AS"), Find(database, "2001:db8::1"));
        Assert.Null(Find(database, "192.0.3.1"));
    }

    // The command line tool of MaxMind's own library on files of ours; and a list of networks that is searched from end to end.
    [Theory, MemberData(nameof(Forms))]
    public void Agrees_with_mmdblookup_and_with_a_plain_list(int recordBits, bool isIpv6)
    {
        if (!File.Exists("/usr/bin/mmdblookup"))
            Assert.Skip("needs mmdblookup (Debian: mmdb-bin)");
        var random = new DeterministicRandom((ulong)recordBits);
        var writer = new DatabaseWriter(recordBits, isIpv6) { PointerSize = random.Next(4) };
        List<(IPNetwork Network, Country Place)> networks = DrawNetworks(random, isIpv6);
        foreach ((IPNetwork network, Country place) in networks)
            writer.Add(network.BaseAddress, network.PrefixLength, $"{place.Code},{place.Continent}");
        byte[] file = writer.Write();
        CountryDatabase database = Open(file);
        string path = Path.Combine(Path.GetTempPath(), $"mesh-countries-{Environment.ProcessId}-{recordBits}-{isIpv6}.mmdb");
        try
        {
            File.WriteAllBytes(path, file);
            int known = 0;
            for (int round = 0; round < 2_000; round++)
            {
                IPAddress address = DrawAddress(random, networks);
                Country? listed = networks.Where(n => n.Network.Contains(address)).Select(static n => (Country?)n.Place).LastOrDefault();
                Assert.Equal(listed, database.Find(address));
                known += listed is null ? 0 : 1;
                if (round % 100 != 0)
                    continue;
                Assert.Equal(listed?.Code, Lookup(path, address, "country", "iso_code"));
                Assert.Equal(listed?.Continent, Lookup(path, address, "continent", "code"));
            }

            Assert.InRange(known, 200, 1_800);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void A_lookup_allocates_nothing()
    {
        CountryDatabase database = Open(new DatabaseWriter().Add("192.0.2.0/24", "FR", "EU").Write());
        var address = IPAddress.Parse("192.0.2.1");
        var unknown = IPAddress.Parse("2001:db8::1");
        _ = database.Find(address);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int round = 0; round < 1000; round++)
        {
            _ = database.Find(address);
            _ = database.Find(unknown);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Theory]
    [InlineData("node_count", 6, 0ul, "too short")]
    [InlineData("node_count", 6, 4_000_000_000ul, "too short")]
    [InlineData("node_count", 9, ulong.MaxValue, "too short")]
    [InlineData("record_size", 5, 16ul, "24, 28 and 32")]
    [InlineData("ip_version", 5, 5ul, "only 4 and 6")]
    [InlineData("binary_format_major_version", 5, 3ul, "only 2")]
    public void Refuses_metadata_that_it_does_not_know(string key, int type, ulong value, string sentence) =>
        AssertRefused(new DatabaseWriter().Add("192.0.2.0/24", "FR", "EU").With(key, DatabaseWriter.Number(value, type)).Write(), sentence);

    [Fact]
    public void Refuses_metadata_of_other_types() =>
        AssertRefused(new DatabaseWriter().Add("192.0.2.0/24", "FR", "EU").With("node_count", DatabaseWriter.Text("many")).Write(), "metadata cannot be read");

    [Fact]
    public void Refuses_what_is_no_database_or_knows_no_countries()
    {
        AssertRefused([], "metadata is missing");
        AssertRefused([0xab, 0xcd, 0xef, .. "MaxMind.com"u8], "metadata cannot be read");
        AssertRefused(new DatabaseWriter().Add("192.0.2.0/24", null).Write(), "no countries in it: it says it is 'Test'");
    }

    [Fact]
    public void Refuses_a_tree_that_has_another_length_than_stated()
    {
        byte[] file = new DatabaseWriter().Add("192.0.2.0/24", "FR", "EU").Write();
        AssertRefused([.. file[6..]], "search tree");
    }

    // Everything is read when it is opened: a half written file does not take the place of a good one.
    [Fact]
    public void Refuses_a_record_that_leads_to_damage_however_far_away_it_is()
    {
        byte[] file = new DatabaseWriter().Add("192.0.2.0/24", "FR", "EU").Add("2001:db8::/32", "JP", "AS").Write();
        int at = file.AsSpan().LastIndexOf("iso_code"u8);
        file[at - 1] = 0x5f;   // a text of more than 65,821 octets
        AssertRefused(file, "cannot be read");
    }

    [Fact]
    public void A_pointer_to_itself_or_to_another_pointer_is_damage_and_no_endless_loop()
    {
        // In place of the continent's code (2 octets and its head): a pointer of two octets, and an empty text.
        foreach (int target in new[] { 0, 1 })
        {
            byte[] file = new DatabaseWriter { PointerSize = 0 }.Add("192.0.2.0/24", "FR", "EU").Write();
            int section = file.AsSpan().IndexOf(DatabaseWriter.Text("names")) + target;
            int record = file.AsSpan().IndexOf(DatabaseWriter.Text("FR"));
            DatabaseWriter.Pointer(record - section + target, 0).CopyTo(file, record);
            AssertRefused(file, "cannot be read");
        }
    }

    // A million maps in one another, before the country: passed over without recursion.
    [Fact]
    public void Nested_maps_cost_no_depth()
    {
        byte[] file = new DatabaseWriter().Add("192.0.2.0/24", "FR", "EU").Write();
        int names = file.AsSpan().IndexOf(Encoding.ASCII.GetBytes(new string('n', 300))) - 3;
        Assert.Equal(new Country("FR", "EU"), Find(Open([.. file[..names], .. Chain(1_000_000), .. file[names..]]), "192.0.2.1"));
    }

    // Without a limit this file of 300 kB, in which each network has its own way into one long chain of maps, would cost 60 million steps.
    [Fact]
    public void A_file_does_not_cost_more_than_a_few_of_its_lengths()
    {
        var writer = new DatabaseWriter { Extra = [.. Chain(100_000), .. DatabaseWriter.Text("end")] };
        for (int network = 0; network < 300; network++)
            writer.Add(new IPAddress([10, (byte)(network >> 8), (byte)network, 0]), 24, $"@{3 * network}");
        AssertRefused(writer.Write(), "cannot be read");
    }

    [Fact]
    public void A_code_that_is_no_code_is_none()
    {
        CountryDatabase database = Open(new DatabaseWriter().Add("192.0.2.0/24", "fr", "EU").Add("192.0.3.0/24", "F\n", "E").Write());
        Assert.Equal(new Country("", "EU"), Find(database, "192.0.2.1"));
        Assert.Null(Find(database, "192.0.3.1"));
    }

    [Theory]
    [InlineData(1ul)]
    [InlineData(2ul)]
    [InlineData(3ul)]
    public void Hostile_files_are_refused_or_read_but_never_throw(ulong seed)
    {
        var random = new DeterministicRandom(seed);
        byte[] good = new DatabaseWriter(seed == 2 ? 28 : 24) { PointerSize = 0 }.Add("192.0.2.0/24", "FR", "EU").Add("198.51.100.0/25", "DE", "EU").Add("2001:db8::/32", "JP", "AS").Write();
        var address = IPAddress.Parse("192.0.2.1");
        int refused = 0;
        for (int length = 0; length < good.Length; length++)
            refused += TryUse(good[..length], address);
        for (int round = 0; round < 20_000; round++)
        {
            byte[] bad = [.. good];
            for (int mutations = random.Next(1, 4); mutations > 0; mutations--)
                bad[random.Next(bad.Length)] = (byte)random.Next(256);
            refused += TryUse(bad, address);
        }

        for (int round = 0; round < 2_000; round++)
        {
            byte[] noise = new byte[random.Next(200)];
            random.NextBytes(noise);
            refused += TryUse([.. noise, 0xab, 0xcd, 0xef, .. "MaxMind.com"u8, .. noise], address);
        }

        Assert.True(refused > 5_000, $"only {refused} were refused");
    }

    private static byte[] Chain(int maps) => [.. Enumerable.Repeat((byte[])[0xe1, 0x41, (byte)'k'], maps).SelectMany(static o => o)];

    private static int TryUse(byte[] file, IPAddress address)
    {
        if (!CountryDatabase.TryOpen(file, out CountryDatabase? database, out string? problem))
        {
            Assert.NotEmpty(problem);
            return 1;
        }

        _ = database.Find(address);
        _ = database.Find(IPAddress.IPv6Loopback);
        return 0;
    }

    private static CountryDatabase Open(byte[] file)
    {
        Assert.True(CountryDatabase.TryOpen(file, out CountryDatabase? database, out string? problem), problem);
        return database;
    }

    private static void AssertRefused(byte[] file, string sentence)
    {
        Assert.False(CountryDatabase.TryOpen(file, out _, out string? problem));
        Assert.Contains(sentence, problem, StringComparison.Ordinal);
    }

    private static Country? Find(CountryDatabase database, string address) => database.Find(IPAddress.Parse(address));

    // Shorter prefixes first: a longer one is a part of them, and counts more.
    private static List<(IPNetwork Network, Country Place)> DrawNetworks(DeterministicRandom random, bool isIpv6)
    {
        string[] places = ["FR,EU", "DE,EU", "JP,AS", "US,NA", "BR,SA"];
        var networks = new Dictionary<IPNetwork, Country>();
        for (int i = 0; i < 150; i++)
        {
            byte[] octets = new byte[isIpv6 && i % 3 > 0 ? 16 : 4];
            random.NextBytes(octets);
            octets[0] = octets.Length == 16 ? (byte)0x20 : (byte)random.Next(1, 8);
            octets[1] &= 3;
            int length = random.Next(12, (8 * octets.Length) + 1);
            for (int bit = length; bit < 8 * octets.Length; bit++)
                octets[bit >> 3] &= (byte)~(0x80 >> (bit & 7));
            networks[new IPNetwork(new IPAddress(octets), length)] = Country.ParseLocation(places[random.Next(places.Length)])!.Value;
        }

        return [.. networks.OrderBy(static n => n.Key.PrefixLength).Select(static n => (n.Key, n.Value))];
    }

    // Half of them in a network or just beside it.
    private static IPAddress DrawAddress(DeterministicRandom random, List<(IPNetwork Network, Country Place)> networks)
    {
        (IPNetwork network, _) = networks[random.Next(networks.Count)];
        byte[] octets = network.BaseAddress.GetAddressBytes();
        if (random.Next(2) == 0)
            random.NextBytes(octets.AsSpan(1));
        else
            octets[^1] ^= (byte)random.Next(4);
        return new IPAddress(octets);
    }

    private static string? Lookup(string path, IPAddress address, params string[] names)
    {
        var start = new ProcessStartInfo("/usr/bin/mmdblookup", ["-f", path, "-i", address.ToString(), .. names]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (errors.Contains("Could not find an entry", StringComparison.Ordinal))
            return null;
        Assert.True(process.ExitCode == 0, errors);
        return output.Split('"')[1];
    }
}
