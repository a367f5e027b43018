using System.Text;
using System.Text.Json.Nodes;
using Mesh.Actors.Persistence;

namespace Mesh.Actors.Tests.Persistence;

/// <summary>Stored names, versions and what turns an old one into a new one.</summary>
public sealed class EventSchemaTests
{
    private readonly EventSchema _schema = new EventSchema()
        .Add<Person>("person", version: 3)
        .Upcast("person", 1, node => new JsonObject { ["FullName"] = node["name"]!.GetValue<string>() })
        .Upcast("person", 2, node => new JsonObject { ["Name"] = node["FullName"]!.GetValue<string>(), ["Age"] = 0 });

    [Fact]
    public void What_is_stored_is_json_under_the_declared_name_and_version()
    {
        (string name, int version, byte[] payload) = _schema.Serialize(new Person("Ada", 36));
        Assert.Equal(("person", 3, """{"Name":"Ada","Age":36}"""), (name, version, Encoding.UTF8.GetString(payload)));
        Assert.Equal(new Person("Ada", 36), _schema.Deserialize(name, version, payload));
    }

    [Theory]
    [InlineData(1, """{"name":"Ada"}""")]
    [InlineData(2, """{"FullName":"Ada"}""")]
    [InlineData(3, """{"Name":"Ada","Age":0}""")]
    public void Older_versions_go_through_every_upcaster_in_between(int version, string payload) =>
        Assert.Equal(new Person("Ada", 0), _schema.Deserialize("person", version, Encoding.UTF8.GetBytes(payload)));

    [Fact]
    public void A_version_that_nothing_turns_into_the_next_is_named()
    {
        EventSchema schema = new EventSchema().Add<Person>("person", version: 2);
        JournalException e = Assert.Throws<JournalException>(() => schema.Deserialize("person", 1, "{}"u8.ToArray()));
        Assert.Equal("event type 'person' has version 1 in the journal, and nothing turns it into version 2", e.Message);
    }

    [Fact]
    public void Whatever_an_upcaster_throws_names_the_event()
    {
        JournalException e = Assert.Throws<JournalException>(() => _schema.Deserialize("person", 1, "{}"u8.ToArray()));
        Assert.StartsWith("event of type 'person' version 1 cannot be read: ", e.Message, StringComparison.Ordinal);
        Assert.Equal(JournalFailure.UnknownEvent, e.Failure);
    }

    [Fact]
    public void Names_and_types_are_declared_once()
    {
        Assert.Throws<ArgumentException>(() => _schema.Add<Person>("another"));
        Assert.Throws<ArgumentException>(() => _schema.Add<Other>("person"));
        Assert.Throws<ArgumentOutOfRangeException>(() => _schema.Add<Other>("other", version: 0));
    }

    [Theory]
    [InlineData("person", 0)]
    [InlineData("person", 3)]
    [InlineData("nobody", 1)]
    public void There_is_no_upcaster_from_a_version_that_does_not_exist(string name, int version) =>
        Assert.Throws<ArgumentException>(() => _schema.Upcast(name, version, n => n));

    private sealed record Person(string Name, int Age);

    private sealed record Other;
}
