using System.Buffers.Binary;
using System.Text;
using Mesh.Actors;
using Mesh.Actors.TestKit;
using Mesh.Fuzz.Tests.Harness;
using Mesh.Fuzz.Tests.Targets;

namespace Mesh.Fuzz.Tests;

/// <summary>Decoders that are broken on purpose: each is found, or the fuzzer would pass because it finds nothing.</summary>
public sealed class HarnessTests
{
    private const int MaxRuns = 200_000;

    // Bounded by inputs; the time is only there so that a slow machine does not end it earlier.
    private static readonly TimeSpan Plenty = TimeSpan.FromMinutes(1);

    [Fact]
    public void A_length_that_is_not_compared_with_what_is_there_is_found_and_the_input_minimised()
    {
        FuzzTarget target = Target.Octets("planted/length", [[7, 0, 4, 1, 2, 3, 4], [8, 0, 0]], static octets =>
        {
            if (octets.Length < 3)
                return null;
            int length = BinaryPrimitives.ReadUInt16BigEndian(octets.AsSpan(1));
            return octets.AsSpan(3, length).Length;   // planted: it may be longer than the input
        });
        FuzzException found = Found(target);
        Assert.Equal(ViolationKind.Exception, found.Violation.Kind);
        Assert.Contains(nameof(ArgumentOutOfRangeException), found.Violation.Group, StringComparison.Ordinal);
        Assert.Equal(3, found.Smallest.Length);
        Assert.Contains("FUZZ_SEED=1 FUZZ_TARGET=planted/length", found.Message, StringComparison.Ordinal);
        Assert.Contains($"smallest {Convert.ToHexString(found.Smallest)}", found.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Memory_that_the_input_asks_for_and_does_not_fill_is_found()
    {
        FuzzTarget target = Target.Octets("planted/allocation", [[0, 0, 0, 4, 1, 2, 3, 4]], static octets =>
        {
            int count = octets.Length < 4 ? -1 : BinaryPrimitives.ReadInt32BigEndian(octets);
            return count is < 0 or > 1 << 20 ? null : new byte[count];   // planted: before it looks whether they are there
        });
        Assert.Equal(ViolationKind.Allocation, Found(target).Violation.Kind);
    }

    [Fact]
    public void Time_that_grows_faster_than_the_input_is_found()
    {
        FuzzTarget target = Target.Octets("planted/time", [Encoding.ASCII.GetBytes("(a)"), Encoding.ASCII.GetBytes("((a))")], static octets => Depths(octets)) with { Tokens = Target.Tokens("( )"), MaxLength = 20_000, TimePerOctet = TimeSpan.FromTicks(1) };
        Assert.Equal(ViolationKind.Time, Found(target).Violation.Kind);

        // Planted: for each bracket all that follows is looked at.
        static object? Depths(byte[] octets)
        {
            long sum = 0;
            for (int at = 0; at < octets.Length; at++)
            {
                for (int inner = at; octets[at] == '(' && inner < octets.Length; inner++)
                    sum += Math.Abs((int)octets[inner] % (inner + 1));
            }

            return sum;
        }
    }

    [Fact]
    public void A_value_that_is_not_what_its_encoding_says_is_found()
    {
        // Planted: digits of other scripts and leading zeros are read, and never written.
        FuzzTarget target = Target.Text<string>("planted/value", ["7", "42"], Parse, static text => int.Parse(text, System.Globalization.CultureInfo.InvariantCulture).ToString(System.Globalization.CultureInfo.InvariantCulture));
        FuzzException found = Found(target);
        Assert.Equal(ViolationKind.Value, found.Violation.Kind);

        static bool Parse(ReadOnlySpan<char> text, out string value)
        {
            value = text.ToString();
            return text.Length is > 0 and < 9 && text.IndexOfAnyExceptInRange('0', '9') < 0;
        }
    }

    [Fact]
    public void A_checksum_that_hides_a_bug_is_passed_by_a_repair()
    {
        FuzzTarget target = Target.Octets("planted/checksum", [[1, 2, 3, 6]], static octets =>
        {
            if (octets.Length < 2 || octets[^1] != Sum(octets[..^1]))
                return null;
            return octets[0] == 0x7F ? throw new InvalidOperationException("planted") : octets.Length;
        });
        FuzzTarget repaired = target with { Repairs = [static (_, octets) => octets.Length == 0 ? octets : [.. octets[..^1], Sum(octets[..^1])]] };
        Assert.Equal(ViolationKind.Exception, Found(repaired).Violation.Kind);

        static byte Sum(ReadOnlySpan<byte> octets)
        {
            byte sum = 0;
            foreach (byte octet in octets)
                sum = (byte)((sum * 31) + octet);
            return sum;
        }
    }

    [Fact]
    public void An_actor_that_fails_is_found()
    {
        var target = new FuzzTarget("planted/actor", [[1, 2, 3]])
        {
            BaseOctets = 1024 * 1024,
            Prepare = static input =>
            {
                var kit = new ActorTestKit();
                ActorRef actor = kit.ActorOf(Props.Create(static () => new Planted()));
                return () => NodeTargets.Survives(kit, () => actor.Tell(input.Octets), static () => true);
            },
        };
        FuzzException found = Found(target);
        Assert.Equal(ViolationKind.Exception, found.Violation.Kind);
        Assert.Equal(0x7F, Assert.Single(found.Smallest));
    }

    [Fact]
    public void The_exception_that_is_declared_is_a_refusal_and_what_it_says_is_looked_at()
    {
        FuzzTarget target = Target.Text("planted/place", ["abc", "a\nb"], static text => text.Contains('}', StringComparison.Ordinal) ? throw new FormatException($"{text.Length + 1}") : text.Length) with
        {
            Expected = typeof(FormatException),
            Tokens = Target.Tokens("}"),
        };
        Assert.True(new Fuzzer(target, seed: 1).Run(Plenty, maxRuns: 2000).Accepted > 0);
        FuzzTarget strict = target with
        {
            CheckRefusal = static (input, thrown) => int.Parse(thrown.Message, System.Globalization.CultureInfo.InvariantCulture) <= input.Text.Length ? null : "the place is behind the text",
        };
        Assert.Equal(ViolationKind.Refusal, Found(strict).Violation.Kind);
    }

    [Fact]
    public void A_seed_gives_the_same_inputs_again_and_another_seed_others()
    {
        FuzzTarget target = AllTargets.List.First(static target => target.Name is "peer/topology-report");
        string first = Inputs(1);
        Assert.Equal(first, Inputs(1));
        Assert.NotEqual(first, Inputs(2), StringComparer.Ordinal);

        string Inputs(ulong seed)
        {
            var fuzzer = new Fuzzer(target, seed);
            _ = fuzzer.Run(Plenty, maxRuns: 500);
            return Convert.ToHexString(fuzzer.Next());
        }
    }

    [Fact]
    public void What_was_changed_inside_of_a_tree_has_right_lengths_around_it()
    {
        var random = new DeterministicRandom(1);
        byte[] der = Corpus.Network.NodeCertificate;
        Assert.Equal(der, DerTree.Mutate(new DeterministicRandom(1), der).Length == 0 ? [] : DerTree.Encode(0x30, DerTree.Parse(der, out _)!.Parts));
        int whole = Enumerable.Range(0, 1000).Select(_ => DerTree.Mutate(random, der)).Count(static changed => DerTree.Parse(changed, out int consumed) is not null && consumed == changed.Length);
        Assert.InRange(whole, 900, 1000);
    }

    private sealed class Planted : Actor
    {
        protected override void Receive(object message)
        {
            if (message is byte[] octets && octets.Contains((byte)0x7F))
                throw new InvalidOperationException("planted");
        }
    }

    private static FuzzException Found(FuzzTarget target) => Assert.Throws<FuzzException>(() => new Fuzzer(target, seed: 1).Run(Plenty, MaxRuns));
}
