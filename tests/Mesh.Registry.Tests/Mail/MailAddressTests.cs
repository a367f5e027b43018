using Mesh.Actors;
using Mesh.Registry.Mail;

namespace Mesh.Registry.Tests.Mail;

public sealed class MailAddressTests
{
    private static readonly string Long = new('a', 64);

    public static TheoryData<string> Good =>
    [
        "a@b", "a+b@example.com", "first.last@sub.example.org", "o'brien@example.com", "x@1.example", "!#$%&'*+-/=?^_`{|}~@example.com", "-a@xn--bcher-kva.example",
        $"{Long}@{new string('b', 63)}.example", $"{Long}@{new string('b', 63)}.{new string('c', 63)}.{new string('d', 61)}",
    ];

    public static TheoryData<string> Bad =>
    [
        "", "a", "@", "a@", "@b", "a@b@c", ".a@b", "a.@b", "a..b@c", "a@.b", "a@b.", "a@b..c", "a@-b", "a@b-", "a@b_c", "a b@c", "a@b c", " a@b", "a@b ", "\"a b\"@c", "a@[192.0.2.1]",
        "a,b@c", "a@b,c@d", "a;b@c", "<a@b>", "a@b>", "a:b@c", "a(b)@c", "a\\b@c", "a@b\r\nBcc: x@y", "a\r\nRCPT TO:<x@y>@b", "a\0@b", "a@b\0", "a@b\n", "\u00fc@example.com", "a@b\u00fccher.example",
        "a@\uff45xample.com", "a\u202e@b", "a\ud800@b", "a@b\t", "a\u007f@b", $"a{Long}@b", $"a@{new string('b', 64)}", $"{Long}@{new string('b', 63)}.{new string('c', 63)}.{new string('d', 62)}",
    ];

    [Theory, MemberData(nameof(Good))]
    public void Takes_addresses_that_people_have(string address) => Assert.Null(MailAddress.ProblemOf(address));

    [Theory, MemberData(nameof(Bad))]
    public void Refuses_what_is_none_or_could_mean_something_else_on_the_way(string address) => Assert.NotEmpty(MailAddress.ProblemOf(address)!);

    [Theory]
    [InlineData(1ul)]
    [InlineData(2ul)]
    public void Whatever_is_taken_is_harmless_in_headers_commands_and_files(ulong seed)
    {
        const string Alphabet = "ab.@-+_ <>\"\r\n\0,;:\u00e9[]()\\From";
        var random = new DeterministicRandom(seed);
        int taken = 0;
        for (int round = 0; round < 50_000; round++)
        {
            string address = string.Concat(Enumerable.Range(0, random.Next(2, 9)).Select(_ => Alphabet[random.Next(random.Next(2) == 0 ? 4 : Alphabet.Length)]));
            if (MailAddress.ProblemOf(address) is not null)
                continue;
            taken++;
            Assert.All(address, static c => Assert.True(c is > ' ' and < '\u007f' && !"<>\"(),:;[]\\".Contains(c, StringComparison.Ordinal)));
            Assert.Equal(2, address.Split('@').Length);
        }

        Assert.InRange(taken, 200, 25_000);
    }
}
