using System.Text;
using System.Text.Json;
using Mesh.Protocol.Registry;

namespace Mesh.Protocol.Tests.Registry;

public sealed class RegistryCallTests
{
    [Fact]
    public void Builds_the_targets_of_the_client_of_re6st_and_reads_them()
    {
        foreach (JsonElement vector in Vectors.Load("registry-auth.json").GetProperty("client_urls").EnumerateArray())
        {
            // The vectors belong to a registry below /sub; the client drops that before anything is computed.
            string target = vector.Text("url")["/sub".Length..];
            Assert.True(RegistryCall.TryParse(target, out RegistryCall? read));
            Assert.Equal(vector.Text("method"), read.Method);

            (string, string)[] arguments = [.. vector.GetProperty("args").EnumerateObject().Select(argument => (argument.Name, argument.Value.ToString()))];
            // The client always sends all four arguments of a request for a certificate.
            if (read.Method == RegistryMethod.RequestCertificate)
                arguments = [.. arguments, .. new[] { ("location", ""), ("ip", "") }.Where(added => !arguments.Any(argument => argument.Item1 == added.Item1))];
            RegistryCall built = RegistryCall.Create(vector.Text("method"), arguments);
            Assert.Equal(target, built.Target);
            Assert.Equal(built.Arguments, read.Arguments);
            Assert.True(RegistryMethod.TryFind(built.Method, out RegistryMethod? method));
            Assert.True(method.Accepts(built));
        }
    }

    [Fact]
    public void Encodes_like_urlencode_of_Python()
    {
        Assert.Equal("/m?a=~_.-%21%2A%27%28%29ab+%C3%A9%0A%2F%2B%25%26%3D%40", RegistryCall.Create("m", ("a", "~_.-!*'()ab é\n/+%&=@")).Target);
    }

    [Theory]
    [InlineData("/getCa")]
    [InlineData("/getCa?")]
    public void Reads_calls_without_arguments(string target)
    {
        Assert.True(RegistryCall.TryParse(target, out RegistryCall? call));
        Assert.Equal(target, call.Target);
        Assert.Empty(call.Arguments);
    }

    [Fact]
    public void The_last_of_duplicated_arguments_wins()
    {
        Assert.True(RegistryCall.TryParse("/m?a=1&b=%c3%A9&a=2+3&c=&c=x=y&d=1?/2", out RegistryCall? call));
        Assert.Equal("2 3", call.Argument("a"));
        Assert.Equal("é", call.Argument("b"));
        Assert.Equal("x=y", call.Argument("c"));
        Assert.Equal("1?/2", call.Argument("d"));
        Assert.Null(call.Argument("e"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("getCa")]
    [InlineData("//getCa")]
    [InlineData("/getCa/")]
    [InlineData("/a/b")]
    [InlineData("/a%2Fb")]
    [InlineData("/?a=1")]
    [InlineData("/m?a")]
    [InlineData("/m?a=1&")]
    [InlineData("/m?&a=1")]
    [InlineData("/m?a=%")]
    [InlineData("/m?a=%4")]
    [InlineData("/m?a=%4g")]
    [InlineData("/m?a=%ff")]
    [InlineData("/m?a=b c")]
    [InlineData("/m?a=é")]
    [InlineData("/m?a=b#c")]
    [InlineData("http://registry.example/getCa")]
    public void Rejects_malformed_targets(string target)
    {
        Assert.False(RegistryCall.TryParse(target, out _));
    }

    [Fact]
    public void Rejects_too_many_arguments_and_too_long_targets()
    {
        Assert.True(RegistryCall.TryParse("/m?" + string.Join('&', Enumerable.Repeat("a=1", RegistryCall.MaxArguments)), out _));
        Assert.False(RegistryCall.TryParse("/m?" + string.Join('&', Enumerable.Repeat("a=1", RegistryCall.MaxArguments + 1)), out _));
        Assert.False(RegistryCall.TryParse("/m?a=" + new string('x', RegistryCall.MaxTargetLength), out _));
        Assert.False(RegistryCall.TryParse("/" + new string('m', 65), out _));
    }

    [Fact]
    public void Knows_which_arguments_a_method_takes()
    {
        Assert.True(RegistryMethod.TryFind("hello", out RegistryMethod? hello));
        Assert.True(hello.Accepts(RegistryCall.Create("hello", ("client_prefix", "1"))));
        Assert.True(hello.Accepts(RegistryCall.Create("hello", ("client_prefix", "1"), ("protocol", "10"))));
        Assert.False(hello.Accepts(RegistryCall.Create("hello", ("protocol", "10"))));
        Assert.False(hello.Accepts(RegistryCall.Create("hello", ("client_prefix", "1"), ("x", ""))));
        Assert.False(RegistryMethod.TryFind("Hello", out _));
        Assert.True(RegistryMethod.TryFind("getCountry", out RegistryMethod? country));
        Assert.Equal(RegistryAccess.Authenticated, country.Access);
        Assert.True(RegistryMethod.TryFind("updateHMAC", out RegistryMethod? update));
        Assert.Equal(RegistryAccess.Private, update.Access);
    }

    [Fact]
    public void Our_own_mistakes_throw()
    {
        Assert.Throws<ArgumentException>(() => RegistryCall.Create("a/b"));
        Assert.Throws<ArgumentException>(() => RegistryCall.Create("m", ("a", "1"), ("a", "2")));
    }

    [Fact]
    public void Survives_mutated_targets()
    {
        byte[] valid = Encoding.Latin1.GetBytes("/requestCertificate?token=abc&req=-----BEGIN+X%0A&location=FR%2CEU&ip=");
        int read = 0;
        foreach (byte[] octets in Hostile.Mutations(seed: 5, 5_000, valid))
        {
            if (!RegistryCall.TryParse(Encoding.Latin1.GetString(octets), out RegistryCall? call))
                continue;
            read++;
            RegistryCall rebuilt = RegistryCall.Create(call.Method, [.. call.Arguments.Select(argument => (argument.Key, argument.Value))]);
            Assert.True(RegistryCall.TryParse(rebuilt.Target, out RegistryCall? again));
            Assert.Equal(call.Arguments, again.Arguments);
        }
        Assert.True(read > 100);
    }
}
